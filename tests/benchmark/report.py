"""The measured figures, and the Markdown that shows them."""

from __future__ import annotations

import dataclasses
import datetime
import os
import pathlib
import re
import statistics
import subprocess


@dataclasses.dataclass(frozen=True)
class Figures:
    """What one server did in one round."""

    cpu_microseconds_per_call: float
    calls_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float
    peak_resident_mib: float
    anonymous_mib: float
    threads: int
    new_upstream_connections: int | None


# Label, field of Figures, decimals.
ROWS = (
    ("CPU per call, µs", "cpu_microseconds_per_call", 1),
    ("calls/s", "calls_per_second", 0),
    ("p50, ms", "p50_milliseconds", 2),
    ("p99, ms", "p99_milliseconds", 2),
    ("peak resident, MiB", "peak_resident_mib", 1),
    ("peak anonymous, MiB", "anonymous_mib", 1),
    ("threads, at most", "threads", 0),
    ("new upstream connections", "new_upstream_connections", 0),
)
COMPARED_SERVER = "gateway"

# One server's figures, round by round.
Rounds = list[Figures]


def scenario_table(measured: dict[str, Rounds]) -> str:
    """Median and range per server, then the gateway's figures divided by each other server's."""
    others = [name for name in measured if name != COMPARED_SERVER]
    if COMPARED_SERVER not in measured:
        others = []
    header = ["", *measured, *(f"{COMPARED_SERVER} ÷ {name}" for name in others)]
    lines = [_row(header), _row(["---"] + ["---:"] * (len(header) - 1))]
    for label, field, decimals in ROWS:
        values = {name: _values(rounds, field) for name, rounds in measured.items()}
        cells = [_median_and_range(values[name], decimals) for name in measured]
        ratios = [_ratios(values[COMPARED_SERVER], values[name]) for name in others]
        cells += [_median_and_range(ratio, 2) for ratio in ratios]
        lines.append(_row([label, *cells]))
    return "\n".join(lines)


def mapping_table(benchmarks: list[dict[str, object]]) -> str:
    """Google Benchmark's JSON results of bench-mapping as a table."""
    lines = [_row(["what", "bytes", "µs", "allocations"]), _row(["---", "---:", "---:", "---:"])]
    for result in benchmarks:
        nanoseconds = float(str(result["cpu_time"]))
        size, allocations = (float(str(result[key])) for key in ("bytes", "allocations"))
        lines.append(_row([str(result["name"]), f"{size:.0f}", f"{nanoseconds / 1000:.1f}",
                           f"{allocations:.0f}"]))
    return "\n".join(lines)


def conditions(root: pathlib.Path, command: str) -> str:
    """Where and with what the figures were measured."""
    model = _first(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text()) or "unknown"
    memory_kib = _first(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    memory_gib = int(memory_kib or 0) / 1024 / 1024
    packages = _output(["dpkg-query", "--show", "--showformat=${Package} ${Version}\n",
                        "libgrpc++1.51", "libcurl4", "libprotobuf32", "nlohmann-json3-dev",
                        "libuv1", "nginx", "nghttp2-client"])
    commit = _output(["git", "-C", str(root), "describe", "--always", "--dirty"])
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return "\n".join([
        f"- command: `{command}`",
        f"- machine: {os.cpu_count()} × {model}, {memory_gib:.0f} GiB,"
        f" Linux {os.uname().release}, on {today}",
        f"- built from {commit or 'an unknown commit'}"
        f" with {_output(['clang++-19', '--version']).splitlines()[0]}",
        f"- libraries and tools: {', '.join(packages.splitlines())}",
    ])


def _values(rounds: Rounds, field: str) -> list[float]:
    values = (getattr(figures, field) for figures in rounds)
    return [float(value) for value in values if value is not None]


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    """Round by round, because neighbours in time shared the machine's state."""
    return [our / their for our, their in zip(ours, theirs) if their > 0]


def _median_and_range(values: list[float], decimals: int) -> str:
    if not values:
        return "–"
    median, low, high = (f"{value:.{decimals}f}" for value in (
        statistics.median(values), min(values), max(values)))
    return median if low == high else f"{median} ({low}–{high})"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _first(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text)
    return found.group(1) if found else None


def _output(command: list[str]) -> str:
    """What a command prints; a note that it is missing rather than an error."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except FileNotFoundError:
        return f"{command[0]} (not found)"
    return done.stdout.strip() or f"{command[0]} (no answer)"
