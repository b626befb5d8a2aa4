"""Prints "HASH SOURCE" for each of our sources that the compilation database builds.

Usage: clang_tidy_inputs.py DATABASE

The hash changes with everything that clang-tidy's verdict rests on: the source, each header and
.proto file of ours that it reaches, its compile command, the checks and the tool. Paths of the
checkout are left out, so that another checkout of the same files gets the same hashes.
"""

import functools
import hashlib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path.cwd()
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)
IMPORT = re.compile(r'^import "([^"]+)";', re.MULTILINE)
GENERATED = re.compile(r"(\.grpc)?\.pb\.h$")


@functools.cache
def read(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8")


@functools.cache
def direct_inputs(path: pathlib.Path) -> tuple[pathlib.Path, ...]:
    """The files of ours that `path` includes or imports; those of packages are the tool's business."""
    if path.suffix == ".proto":
        found = [ROOT / "proto" / name for name in IMPORT.findall(read(path))]
    else:
        found = []
        for name in INCLUDE.findall(read(path)):
            if GENERATED.search(name):
                found.append(ROOT / "proto" / GENERATED.sub(".proto", name))
            found += [ROOT / name, path.parent / name]
    return tuple(candidate for candidate in found if candidate.is_file())


def all_inputs(source: pathlib.Path) -> list[pathlib.Path]:
    reached = {source}
    waiting = [source]
    while waiting:
        for path in direct_inputs(waiting.pop()):
            if path not in reached:
                reached.add(path)
                waiting.append(path)
    return sorted(reached)


def main() -> None:
    tool = subprocess.run(["clang-tidy-19", "--version"], check=True, capture_output=True, text=True)
    common = tool.stdout + read(ROOT / ".clang-tidy") + read(ROOT / "tests/.clang-tidy")
    tracked = subprocess.run(
        ["git", "ls-files", "service/*.cc", "examples/*.cc", "tests/*.cc"],
        check=True, capture_output=True, text=True).stdout.splitlines()
    commands = {entry["file"]: entry["command"] for entry in json.loads(read(pathlib.Path(sys.argv[1])))}
    for name in tracked:
        source = ROOT / name
        command = commands.get(str(source))
        if command is None:
            continue
        parts = [common, command.replace(str(ROOT), ".")]
        parts += [f"{path.relative_to(ROOT)}\n{read(path)}" for path in all_inputs(source)]
        print(hashlib.sha256("\0".join(parts).encode()).hexdigest(), name)


main()
