"""Runs docs/tour.md: prints its text, its calls and their answers, and says whether these were as shown.

Usage: run_tour.py --programs FOLDER

`./dev run --tour` starts it.

Exit codes: 0 every answer was as shown; 1 one was not; 2 wrong usage; 77 neither grpcurl nor buf is here
(1 where the variable CI is set).
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import sys
import tempfile

from samples import Matcher, SampleError, read_samples
from tour import ROOT, Tour

PAGE = "docs/tour.md"
BUF = ROOT / "proto/node_modules/.bin/buf"
SKIPPED = 77


def text_before(page: list[str], first: int, last: int) -> str:
    """The lines of the page from number `first` up to `last`, without those of its blocks."""
    text: list[str] = []
    is_block = False
    for number, line in enumerate(page, start=1):
        if line.startswith("```"):
            is_block = not is_block
        elif not is_block and first <= number < last:
            text.append(line)
    return "\n".join(text).strip()


def run(programs: pathlib.Path) -> int:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    page = text.splitlines()
    samples = read_samples(PAGE, text)
    matcher = Matcher(samples)
    printed_up_to = 1
    with contextlib.ExitStack() as processes:
        folder = pathlib.Path(processes.enter_context(tempfile.TemporaryDirectory()))
        tour = Tour(programs, folder, processes)
        for sample in samples:
            if said := text_before(page, printed_up_to, sample.line):
                print(said + "\n")
            printed_up_to = sample.line
            resolved = matcher.with_known_ids(sample)
            print(f"$ {resolved.command}", flush=True)
            printed = tour.run(resolved)
            print(printed.rstrip("\n") + "\n", flush=True)
            matcher.check(sample, printed)
    print(text_before(page, printed_up_to, len(page) + 1) + "\n")
    print(f"{len(samples)} calls ended as {PAGE} shows them.")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    programs = parser.parse_args().programs.resolve()
    if not (shutil.which("grpcurl") or BUF.exists()):
        print("neither grpcurl nor buf here: run ./dev deps", file=sys.stderr)
        return 1 if "CI" in os.environ else SKIPPED
    try:
        return run(programs)
    except SampleError as wrong:
        print(wrong, file=sys.stderr)
        return 1


sys.exit(main())
