"""The Markdown that shows the figures."""

from __future__ import annotations

import datetime
import os
import pathlib
import re
import statistics
import subprocess
from collections.abc import Iterable, Sequence

from figures import (IdleFigures, MappingFigures, MemorySample, Rounds, ScenarioFigures, Series,
                     SystemCalls)

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
# The same of PointFigures.
POINT_ROWS = (
    ("CPU per call, µs", "cpu_microseconds_per_call", 1),
    ("peak resident, MiB", "peak_resident_mib", 1),
    ("threads", "threads", 0),
    ("in flight, at most", "max_in_flight", 0),
)
COMPARED_SERVER = "gateway"
FREQUENT_SYSTEM_CALLS = 3


def scenario_table(figures: ScenarioFigures) -> str:
    """Median and range per server, then the gateway's figures divided by each other server's."""
    measured = figures.rounds
    others = [name for name in measured if name != COMPARED_SERVER]
    if COMPARED_SERVER not in measured:
        others = []
    lines = _head("", *measured, *(f"{COMPARED_SERVER} ÷ {name}" for name in others))
    for label, field, decimals in ROWS:
        values = {name: round_values(rounds, field) for name, rounds in measured.items()}
        cells = [_median_and_range(values[name], decimals) for name in measured]
        ratios = [round_ratios(values[COMPARED_SERVER], values[name]) for name in others]
        cells += [_median_and_range(ratio, 2) for ratio in ratios]
        lines.append(_row(label, *cells))
    return "\n".join([*lines, *_system_call_rows(figures.system_calls, others)])


def _system_call_rows(system_calls: dict[str, SystemCalls], others: Sequence[str]) -> list[str]:
    per_call = {name: calls.per_call for name, calls in system_calls.items()}
    frequent = (list(calls.by_name.items())[:FREQUENT_SYSTEM_CALLS]
                for calls in system_calls.values())
    return [
        _row("system calls per call", *(f"{count:.1f}" for count in per_call.values()),
             *(f"{per_call[COMPARED_SERVER] / per_call[name]:.2f}" for name in others)),
        _row("the most frequent", *(
            ", ".join(f"{name} {count:.1f}" for name, count in calls) for calls in frequent),
             *("" for _ in others)),
    ]


def series_table(series: dict[str, Series]) -> str:
    lines = _head("in flight", *(f"{name}: {label}" for name in series
                                 for label, _field, _decimals in POINT_ROWS))
    for point in next(iter(series.values())):
        cells = []
        for points in series.values():
            for _label, field, decimals in POINT_ROWS:
                values = [float(getattr(figures, field)) for figures in points.get(point, [])]
                cells.append(_median_and_range(values, decimals))
        lines.append(_row(f"{point:,}", *cells))
    return "\n".join(lines)


def memory_table(samples: list[MemorySample]) -> str:
    lines = _head("calls so far", "anonymous, MiB", "resident, MiB")
    lines += [_row(f"{sample.calls:,}", f"{sample.anonymous_mib:.2f}", f"{sample.resident_mib:.1f}")
              for sample in samples]
    return "\n".join(lines)


def idle_table(idle: IdleFigures) -> str:
    lines = _head("", "figure")
    lines += [
        _row("start to serving, ms", _median_and_range(idle.start_milliseconds, 0)),
        _row("anonymous, MiB", f"{idle.anonymous_mib:.1f}"),
        _row("resident, MiB", f"{idle.resident_mib:.1f}"),
    ]
    lines += [_row(f"wake-ups a second: `{name}`", f"{count:.1f}")
              for name, count in idle.wake_ups_per_second.items()]
    return "\n".join(lines)


def mapping_table(lines_of_bench: list[MappingFigures]) -> str:
    lines = _head("what", "bytes", "ns", "allocations")
    lines += [_row(line.name, f"{line.json_bytes:,}", f"{line.nanoseconds:,.0f}",
                   f"{line.allocations:,.0f}") for line in lines_of_bench]
    return "\n".join(lines)


def conditions(root: pathlib.Path, command: str) -> str:
    """Where and with what the figures were measured."""
    model = _first(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text()) or "unknown"
    memory_kib = _first(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    memory_gib = int(memory_kib or 0) / 1024 / 1024
    packages = _output(["dpkg-query", "--show", "--showformat=${Package} ${Version}\n",
                        "libgrpc++1.51", "libcurl4", "libprotobuf32", "nlohmann-json3-dev",
                        "libuv1", "nginx", "nghttp2-client", "strace"])
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


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of words."""
    return "\n".join([_row(*titles), _row(*("---" for _ in titles)), *(_row(*row) for row in rows)])


def round_values(rounds: Rounds, field: str) -> list[float]:
    values = (getattr(figures, field) for figures in rounds)
    return [float(value) for value in values if value is not None]


def round_ratios(ours: list[float], theirs: list[float]) -> list[float]:
    """Round by round, because neighbours in time shared the machine's state."""
    return [our / their for our, their in zip(ours, theirs) if their > 0]


def _median_and_range(values: list[float], decimals: int) -> str:
    if not values:
        return "–"
    median, low, high = (f"{value:.{decimals}f}" for value in (
        statistics.median(values), min(values), max(values)))
    return median if low == high else f"{median} ({low}–{high})"


def _head(first: str, *others: str) -> list[str]:
    return [_row(first, *others), _row("---", *("---:" for _ in others))]


def _row(*cells: str) -> str:
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
