"""Makes the root of an image: a program with all that it needs at run time, and nothing else.

Usage: make_root.py --build FOLDER --program NAME --root FOLDER

--build is a build folder that has made bin/NAME and its link map; --root is made anew:

    /usr/bin/NAME                   without symbols
    shared libraries                that it loads, and those that they load, where ldd found them
    /etc/ssl/certs/...              the certificate authorities that Debian trusts
    /etc/{passwd,group,nsswitch.conf}
    /tmp
    /usr/share/doc/*/copyright      of every Debian package that is in it, linked statically too
    /usr/share/common-licenses      which those name
    /usr/share/sbom/NAME.spdx.json  the bill of materials

Then it checks that the bill has every file of the root, and everything in the link map. Needs the packages that the
program was built with on this machine, and python3.

Exit codes: 0 done; 1 something is missing; 2 wrong usage.
"""

import argparse
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

import debian_packages
from build_inputs import read_inputs
from debian_packages import PackageError
from spdx import BILL_FOLDER, Bill, Component, Document, PatchedSource

ROOT = pathlib.Path(__file__).resolve().parents[2]
CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
LICENCES = pathlib.Path("/usr/share/common-licenses")
# By number in the image and in Kubernetes; the name is for what looks it up, as libpq does.
OWN_FILES = {
    "/etc/passwd": "nonroot:x:65532:65532:nonroot:/nonexistent:/nonexistent\n",
    "/etc/group": "nonroot:x:65532:\n",
    # glibc would ask DNS first, and /etc/hosts only if that does not answer.
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def put(root: pathlib.Path, path: str, content: bytes, mode: int = 0o644) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    target.chmod(mode)


def shared_libraries(program: pathlib.Path) -> set[str]:
    """What the program loads, and its loader."""
    output = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    missing = re.findall(r"^\s*(\S+) => not found", output, re.MULTILINE)
    if missing:
        raise PackageError("shared libraries are missing: " + " ".join(missing))
    return set(re.findall(r"(/\S+) \(0x", output))


def copy_program(build: pathlib.Path, name: str, root: pathlib.Path) -> set[str]:
    """Returns the paths of its libraries."""
    program = root / "usr/bin" / name
    program.parent.mkdir(parents=True)
    subprocess.run(["strip", "-o", program, build / "bin" / name], check=True)
    program.chmod(0o755)
    libraries = shared_libraries(program)
    for library in libraries:
        # Under the name that the loader looks for, without a symbolic link.
        put(root, library, pathlib.Path(library).read_bytes(), 0o755)
    return libraries


class Components:
    """The packages of which something is in the image."""

    def __init__(self) -> None:
        self._by_name: dict[str, Component] = {}

    def of(self, name: str) -> Component:
        if name not in self._by_name:
            package = debian_packages.describe({name})[name]
            # With and without the architecture it is the same.
            same = next((one for one in self._by_name.values() if one.package == package), None)
            self._by_name[name] = same or Component(package)
        return self._by_name[name]

    def all(self) -> list[Component]:
        return sorted({id(one): one for one in self._by_name.values()}.values(), key=lambda one: one.package)


def add_libraries(components: Components, libraries: set[str]) -> None:
    for path, package in debian_packages.owners(libraries).items():
        component = components.of(package)
        component.loaded = True
        component.files.append(path)


def is_ours(path: str, build: pathlib.Path) -> bool:
    """Compiled here: of no package, but the program itself."""
    return any(pathlib.Path(path).is_relative_to(folder) for folder in (ROOT, build))


def add_linked(components: Components, build: pathlib.Path, program: str) -> PatchedSource | None:
    """What the program holds of others. What was compiled here is its own, except for gRPC with our patch."""
    inputs = read_inputs(build, program)
    own = {path for path in inputs.linked | inputs.compiled if is_ours(path, build)}
    patched = {path for path in own & inputs.linked if path.endswith("hardened_grpc/libgrpc.a")}
    for path, package in debian_packages.owners(inputs.linked - own).items():
        components.of(package).linked.add(path)
    for package in set(debian_packages.owners(inputs.compiled - own).values()):
        components.of(package).compiled = True
    if not patched:
        return None
    grpc = components.of("libgrpc-dev")
    grpc.linked |= patched
    fetch = (ROOT / "cmake/grpc/fetch.sh").read_text(encoding="utf-8")
    tarball = re.search(r"^readonly tarball_sha256=([0-9a-f]{64})$", fetch, re.MULTILINE)
    if not tarball:
        raise PackageError("cmake/grpc/fetch.sh has no tarball_sha256")
    patch = (ROOT / "cmake/grpc/grpc-1.51.1.patch").read_bytes()
    return PatchedSource(grpc.package, tarball[1], hashlib.sha256(patch).hexdigest(), patched)


def add_copyright(components: Components, root: pathlib.Path) -> None:
    missing = [item for item in components.all() if not debian_packages.copyright_file(item.package)]
    if missing:
        subprocess.run(["apt-get", "-q", "update"], stdout=subprocess.DEVNULL, check=True)
    for component in components.all():
        known = debian_packages.copyright_file(component.package)
        content = known.read_bytes() if known else debian_packages.fetch_copyright(component.package)
        component.copyright_text = content.decode("utf-8", errors="replace")
        path = f"/usr/share/doc/{component.package.name}/copyright"
        put(root, path, content)
        component.files.append(path)


def link_map_files(build: pathlib.Path, name: str) -> set[str]:
    """Whatever in the map has the form of an archive or an object file, with its absolute path."""
    text = (build / "bin" / f"{name}.map").read_text(encoding="utf-8", errors="replace")
    return {str(build / path) for path in re.findall(r"([^\s()]+\.(?:a(?=\()|o(?=:\()))", text)}


def check(document: dict, root: pathlib.Path, linked: set[str]) -> None:
    """Compares the bill with what there is: the files of the root, and the link map."""
    named = {entry["fileName"].removeprefix(".") for entry in document["files"]}
    there = {"/" + str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}
    if named != there:
        raise PackageError(f"the bill and the root differ in these files: {sorted(named ^ there)}")
    comments = {word for entry in document["packages"] for word in re.split(r"[ ;]+", entry.get("comment", ""))}
    if linked - comments:
        raise PackageError(f"the bill lacks what the link map has: {sorted(linked - comments)}")


def project_version(build: pathlib.Path) -> str:
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    return re.search(r"^CMAKE_PROJECT_VERSION:STATIC=(.+)$", cache, re.MULTILINE)[1]


def make_root(build: pathlib.Path, name: str, root: pathlib.Path) -> dict:
    """Returns the bill."""
    components = Components()
    add_libraries(components, copy_program(build, name, root))
    patched = add_linked(components, build, name)
    put(root, CA_FILE, pathlib.Path(CA_FILE).read_bytes())
    components.of("ca-certificates").files.append(CA_FILE)
    for path in LICENCES.iterdir():
        # The names without a version are links to the newest.
        put(root, str(path), path.read_bytes())
        components.of("base-files").files.append(str(path))
    add_copyright(components, root)
    for path, text in OWN_FILES.items():
        put(root, path, text.encode())
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)

    own_files = [f"/usr/bin/{name}", *OWN_FILES]
    document = Document(root, Bill(name, project_version(build), components.all(), own_files, patched)).build()
    # The bill cannot have its own hash: check() sees the root as it is before.
    ours = {path for path in link_map_files(build, name) if is_ours(path, build)}
    check(document, root, link_map_files(build, name) - ours | (patched.archives if patched else set()))
    put(root, f"/{BILL_FOLDER}/{name}.spdx.json", json.dumps(document, indent=1).encode() + b"\n")
    return document


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder")
    parser.add_argument("--program", required=True, help="name of the program in its bin")
    parser.add_argument("--root", type=pathlib.Path, required=True, help="folder to make")
    arguments = parser.parse_args()
    if arguments.root.exists():
        shutil.rmtree(arguments.root)
    try:
        document = make_root(arguments.build.resolve(), arguments.program, arguments.root)
    except PackageError as error:
        print(f"make_root: {error}", file=sys.stderr)
        return 1
    print(f"make_root: {arguments.root}: {len(document['packages'])} packages, {len(document['files'])} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
