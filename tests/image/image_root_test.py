"""The image's root has what its program needs, and the bill of materials has all of that.

Usage: image_root_test.py

Builds a small program as the gateway is built (clang, lld, Ninja): one library in it, one that it loads.

Exit codes: 0 it does; 1 it does not.
"""

import copy
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/image"))

import build_inputs  # noqa: E402
import debian_packages  # noqa: E402
import make_root  # noqa: E402

SOURCE = """
#include <uv.h>
#include <zlib.h>
int main(int argc, char**) { return crc32(uv_version(), nullptr, argc) == 1; }
"""
NINJA = """
rule compile
  command = clang++-19 -O1 -MD -MF $out.d -c $in -o $out
  depfile = $out.d
  deps = gcc
rule link
  command = clang++-19 -fuse-ld=lld $in {archive} -luv -Wl,-Map=$out.map -o $out
build small.o: compile small.cc
build bin/small: link small.o
"""


def static_zlib() -> pathlib.Path:
    command = ["clang++-19", "-print-file-name=libz.a"]
    return pathlib.Path(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip())


class ImageRootTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())).resolve()
        cls.build = cls.build_program("build", static_zlib())
        cls.root = cls.folder / "root"
        cls.bill = make_root.make_root(cls.build, "small", cls.root)
        # As it was when the bill was made.
        (cls.root / "usr/share/sbom/small.spdx.json").unlink()
        cls.packages = {entry["name"]: entry for entry in cls.bill["packages"]}

    @classmethod
    def build_program(cls, name: str, archive: pathlib.Path) -> pathlib.Path:
        build = cls.folder / name
        (build / "bin").mkdir(parents=True)
        (build / "small.cc").write_text(SOURCE)
        (build / "build.ninja").write_text(NINJA.format(archive=archive))
        (build / "CMakeCache.txt").write_text("CMAKE_PROJECT_VERSION:STATIC=1.2.3\n")
        subprocess.run(["ninja", "-C", build], stdout=subprocess.DEVNULL, check=True)
        return build

    def related(self, how: str) -> set[str]:
        names = {entry["SPDXID"]: entry["name"] for entry in self.packages.values()}
        program = self.packages["small"]["SPDXID"]
        return {
            names[relation["relatedSpdxElement"]]
            for relation in self.bill["relationships"]
            if relation["relationshipType"] == how and relation["spdxElementId"] == program
        }

    def test_what_is_linked_statically_is_in_the_bill_with_its_archive(self):
        self.assertIn("zlib1g-dev", self.related("STATIC_LINK"))
        self.assertIn("/libz.a", self.packages["zlib1g-dev"]["comment"])

    def test_packages_of_which_only_headers_became_code_are_in_the_bill(self):
        self.assertIn("libuv1-dev", self.related("STATIC_LINK"))
        self.assertIn("headers", self.packages["libuv1-dev"]["comment"])

    def test_what_the_program_loads_is_in_the_root_and_in_the_bill(self):
        (libuv,) = self.root.rglob("libuv.so.1")
        self.assertFalse(libuv.is_symlink())
        names = {name.partition("t64")[0] for name in self.related("DYNAMIC_LINK")}
        self.assertLessEqual({"libuv1", "libc6"}, names)

    def test_nothing_can_be_run_but_the_program_and_the_loader(self):
        runnable = {path.name for path in self.root.rglob("*") if path.is_file() and path.stat().st_mode & 0o111}
        programs = {name for name in runnable if not re.search(r"\.so(\.|$)", name)}
        self.assertEqual(programs, {"small"})

    def test_every_package_has_its_version_licence_text_and_purl(self):
        for name, entry in self.packages.items():
            if name == "small":
                self.assertEqual(entry["versionInfo"], "1.2.3")
                continue
            with self.subTest(name):
                (reference,) = entry["externalRefs"]
                purl = reference["referenceLocator"]
                self.assertRegex(purl, r"^pkg:deb/\w+/[^@]+@[^?:+]+\?arch=\w+&distro=\w+-\d+&upstream=")
                self.assertGreater((self.root / f"usr/share/doc/{name}/copyright").stat().st_size, 100)

    def test_every_relationship_is_between_elements_of_the_bill(self):
        elements = [entry["SPDXID"] for entry in [*self.bill["packages"], *self.bill["files"]]]
        self.assertEqual(len(elements), len(set(elements)))
        for relation in self.bill["relationships"]:
            self.assertIn(relation["spdxElementId"], {"SPDXRef-DOCUMENT", *elements})
            self.assertIn(relation["relatedSpdxElement"], elements)

    def test_an_archive_of_no_package_stops_the_build(self):
        stray = self.folder / "libstray.a"
        shutil.copy(static_zlib(), stray)
        build = self.build_program("stray", stray)
        with self.assertRaisesRegex(debian_packages.PackageError, "no package owns .*libstray.a"):
            make_root.make_root(build, "small", self.folder / "stray-root")

    def test_a_bill_without_one_of_the_files_is_noticed(self):
        bill = copy.deepcopy(self.bill)
        lost = bill["files"].pop()["fileName"].removeprefix(".")
        with self.assertRaisesRegex(debian_packages.PackageError, re.escape(lost)):
            make_root.check(bill, self.root, set())

    def test_a_bill_without_one_of_the_archives_is_noticed(self):
        linked = make_root.link_map_files(self.build, "small") - {str(self.build / "small.o")}
        make_root.check(self.bill, self.root, linked)
        bill = copy.deepcopy(self.bill)
        bill["packages"] = [entry for entry in bill["packages"] if entry["name"] != "zlib1g-dev"]
        with self.assertRaisesRegex(debian_packages.PackageError, "libz.a"):
            make_root.check(bill, self.root, linked)


class ParsingTest(unittest.TestCase):
    def test_a_link_map_names_objects_and_archives_without_sections_and_symbols(self):
        text = (
            "             VMA              LMA     Size Align Out     In      Symbol\n"
            "             2e0              2e0       1c     1 .interp\n"
            "             2e0              2e0       1c     1         <internal>:(.interp)\n"
            "             2fc              2fc       20     4         /lib/Scrt1.o:(.note.ABI-tag)\n"
            "             31c              31c       24     4         a/libone.a(two.cc.o):(.text._Z1fv)\n"
            "             31c              31c       24     1                 f(three.a(x))\n"
        )
        self.assertEqual(build_inputs.read_link_map(text), {"/lib/Scrt1.o", "a/libone.a"})

    def test_headers_are_those_of_the_objects_asked_for(self):
        text = "a.o: #deps 2, deps mtime 1 (VALID)\n    a.cc\n    a.h\n\nb.o: #deps 1, deps mtime 1 (VALID)\n    b.h\n"
        self.assertEqual(build_inputs.read_dependencies(text, {"a.o"}), {"a.cc", "a.h"})

    def test_licences_are_named_as_spdx_names_them(self):
        packaging = "Files: debian/*\nLicense: GPL-2\n\n"
        text = f"Format: x\n\n{packaging}Files: *\nCopyright: y\nLicense: Expat or GPL-2+\n whole text\n"
        self.assertEqual(debian_packages.declared_licence(text), "Expat or GPL-2+")
        self.assertEqual(debian_packages.spdx_expression("Expat or GPL-2+"), "MIT OR GPL-2.0-or-later")
        self.assertEqual(debian_packages.spdx_expression("public_domain"), "LicenseRef-Debian-public-domain")
        self.assertIsNone(debian_packages.declared_licence("It may be copied."))


if __name__ == "__main__":
    unittest.main()
