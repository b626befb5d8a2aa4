"""Puts figures into docs/performance.md, whose words are written by hand."""

from __future__ import annotations

import pathlib
import re

from load import BenchmarkError


def replace_blocks(document: pathlib.Path, blocks: dict[str, str]) -> None:
    """Puts each block between its two marks; the document must have marks for just these."""
    text = document.read_text(encoding="utf-8")
    marked = re.findall(r"^<!-- figures: (\S+) -->$", text, re.MULTILINE)
    if sorted(marked) != sorted(blocks):
        raise BenchmarkError(
            f"{document}: has marks for {', '.join(marked)}, not for {', '.join(blocks)}")
    for name, block in blocks.items():
        text = _replace(text, name, block, document)
    document.write_text(text, encoding="utf-8")


def _replace(text: str, name: str, block: str, document: pathlib.Path) -> str:
    begin, end = f"<!-- figures: {name} -->\n", f"<!-- end of figures: {name} -->"
    head, _mark, rest = text.partition(begin)
    _old, mark, tail = rest.partition(end)
    if not mark:
        raise BenchmarkError(f"{document}: no line {end}")
    return f"{head}{begin}\n{block}\n\n{mark}{tail}"
