"""What dpkg knows of the packages on this machine: whose a file is, and what its licence is."""

import dataclasses
import functools
import pathlib
import re
import subprocess
import tempfile
import urllib.parse

DOCUMENTS = pathlib.Path("/usr/share/doc")

# Debian's names of licences that SPDX has under another one (Debian's copyright format, section 7.1).
SPDX_NAMES = {
    "apache-2": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-3-clause~google": "BSD-3-Clause",
    "bsl-1.0": "BSL-1.0",
    "curl": "curl",
    "expat": "MIT",
    "gpl-2": "GPL-2.0-only",
    "gpl-2+": "GPL-2.0-or-later",
    "gpl-3+": "GPL-3.0-or-later",
    "isc": "ISC",
    "lgpl-2+": "LGPL-2.0-or-later",
    "lgpl-2.1": "LGPL-2.1-only",
    "lgpl-2.1+": "LGPL-2.1-or-later",
    "lgpl-3+": "LGPL-3.0-or-later",
    "mit": "MIT",
    "mpl-2.0": "MPL-2.0",
    "openldap-2.8": "OLDAP-2.8",
    "postgresql": "PostgreSQL",
    "zlib": "Zlib",
}


class PackageError(Exception):
    """A file that no package owns, or a package without a copyright file."""


@dataclasses.dataclass(frozen=True, order=True)
class Package:
    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    homepage: str

    def purl(self) -> str:
        """What scanners look known faults up by: Debian tells them of the source package."""
        release = os_release()
        upstream = self.source
        if self.source_version != self.version:
            upstream += f"@{self.source_version}"
        qualifiers = {
            "arch": self.architecture,
            "distro": f"{release['ID']}-{release['VERSION_ID']}",
            "upstream": upstream,
        }
        return (
            f"pkg:deb/{release['ID']}/{self.name}@{urllib.parse.quote(self.version, safe='')}?"
            + "&".join(f"{key}={urllib.parse.quote(value, safe='')}" for key, value in qualifiers.items())
        )


@functools.cache
def os_release() -> dict[str, str]:
    lines = pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


def search(paths: list[str]) -> dict[str, str]:
    """The package of each path that dpkg knows by this very name."""
    found = {}
    for start in range(0, len(paths), 1000):
        # It ends with 1 if a single path is unknown.
        answer = subprocess.run(
            ["dpkg-query", "--search", *paths[start : start + 1000]],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
        ).stdout  # fmt: skip
        for line in answer.splitlines():
            packages, _, path = line.partition(": ")
            if not packages.startswith("diversion by"):
                found[path] = packages.split(",")[0]
    return found


def owners(paths: set[str]) -> dict[str, str]:
    """The package of each path. /lib is /usr/lib, and a package may have its files under either name."""
    spellings: dict[str, list[str]] = {}
    for path in paths:
        real = str(pathlib.Path(path).resolve())
        names = (path, real)
        spellings[path] = [other for name in names for other in (name, name.removeprefix("/usr"), "/usr" + name)]
    found = search(sorted({spelling for several in spellings.values() for spelling in several}))
    result = {}
    for path, several in spellings.items():
        package = next((found[spelling] for spelling in several if spelling in found), None)
        if package is None:
            raise PackageError(f"no package owns {path}")
        result[path] = package
    return result


def describe(names: set[str]) -> dict[str, Package]:
    fields = ("Package", "Version", "Architecture", "source:Package", "source:Version", "Homepage")
    show = "".join(f"${{{field}}}\t" for field in fields) + "\n"
    lines = subprocess.run(
        ["dpkg-query", "--show", f"--showformat=${{binary:Package}}\t{show}", *sorted(names)],
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    described = {}
    for line in lines:
        key, *values = line.split("\t")
        package = Package(*values[: len(fields)])
        described[key] = described[package.name] = package
    return {name: described[name] for name in names}


def copyright_file(package: Package) -> pathlib.Path | None:
    """On this machine. Some base images leave the documents of their packages out."""
    path = DOCUMENTS / package.name / "copyright"
    return path if path.is_file() else None


def fetch_copyright(package: Package) -> bytes:
    """From the package itself, of this very version."""
    with tempfile.TemporaryDirectory() as folder:
        # apt-get changes its user for the download.
        pathlib.Path(folder).chmod(0o755)
        subprocess.run(
            ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", f"{package.name}={package.version}"],
            cwd=folder, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        (archive,) = pathlib.Path(folder).glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", archive, "files"], cwd=folder, check=True)
        documents = pathlib.Path(folder) / "files" / DOCUMENTS.relative_to("/")
        place = documents / package.name
        if place.is_symlink():
            # The documents are those of another package, of the same source.
            (other,) = describe({str(place.readlink())}).values()
            known = copyright_file(other)
            return known.read_bytes() if known else fetch_copyright(other)
        return (place / "copyright").read_bytes()


def declared_licence(copyright_text: str) -> str | None:
    """Debian's words for the licence of what has none of its own: that of `Files: *`."""
    for paragraph in re.split(r"\n\s*\n", copyright_text):
        fields = dict(re.findall(r"^(Files|License):[ \t]*(.*\S)[ \t]*$", paragraph, re.MULTILINE))
        if "*" in fields.get("Files", "").split() and "License" in fields:
            return fields["License"]
    return None


def spdx_expression(licence: str) -> str:
    """The same in SPDX's words. A licence that SPDX does not know becomes a LicenseRef-Debian-NAME."""
    words = []
    for word in re.split(r"(\s+(?:and|or)\s+|,\s*)", licence):
        operator = word.strip(" ,").upper()
        if operator in ("AND", "OR", ""):
            words.append(operator or "AND")
        else:
            words.append(SPDX_NAMES.get(word.lower(), "LicenseRef-Debian-" + re.sub(r"[^A-Za-z0-9.-]+", "-", word)))
    return " ".join(words)
