"""What a program was made of: the archives in its link map, and the headers and .proto files of its sources."""

import dataclasses
import pathlib
import re
import subprocess

# lld's map: address, load address, size and alignment, then `FILE:(SECTION)` or `ARCHIVE(MEMBER):(SECTION)`.
MAP_INPUT = re.compile(r"^ *[0-9a-f]+ +[0-9a-f]+ +[0-9a-f]+ +\d+ {9}(?P<file>[^<\s][^()]*?)(?:\([^()]*\))?:\(")


@dataclasses.dataclass
class BuildInputs:
    """Absolute paths."""

    linked: set[str]  # object files and archives of which something is in the program
    compiled: set[str]  # headers and .proto files


def read_link_map(text: str) -> set[str]:
    """The object files and archives, by the names that the linker was given."""
    files = {match["file"] for match in map(MAP_INPUT.match, text.splitlines()) if match}
    if not files:
        raise ValueError("no link map of lld")
    return files


def read_dependencies(text: str, objects: set[str]) -> set[str]:
    """The headers of `objects`, from what `ninja -t deps` prints."""
    files, wanted = set(), False
    for line in text.splitlines():
        if line.startswith("    "):
            if wanted:
                files.add(line.strip())
        else:
            wanted = line.partition(":")[0] in objects
    return files


def ninja(folder: pathlib.Path, *arguments: str) -> str:
    command = ["ninja", "-C", folder, "-t", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def read_inputs(build: pathlib.Path, program: str) -> BuildInputs:
    def absolute(path: str) -> str:
        # Not resolved: dpkg knows a file by the name that it was installed under.
        return str(pathlib.Path(build.absolute() / path)) if not path.startswith("/") else path

    linked = read_link_map((build / "bin" / f"{program}.map").read_text(encoding="utf-8", errors="replace"))
    inputs = set(ninja(build, "inputs", f"bin/{program}").splitlines())
    compiled = read_dependencies(ninja(build, "deps"), inputs)
    compiled |= {path for path in inputs if path.endswith(".proto")}
    return BuildInputs(linked={absolute(path) for path in linked}, compiled={absolute(path) for path in compiled})
