"""What a benchmark measured, as values."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Figures:
    """What one server did in one round of a scenario."""

    cpu_microseconds_per_call: float
    calls_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float
    peak_resident_mib: float
    anonymous_mib: float
    threads: int
    new_upstream_connections: int | None


# One server's figures, round by round.
Rounds = list[Figures]


@dataclasses.dataclass(frozen=True)
class SystemCalls:
    """System calls of one server for each call: all, and by name, the most frequent first."""

    per_call: float
    by_name: dict[str, float]


@dataclasses.dataclass(frozen=True)
class ScenarioFigures:
    """By server."""

    rounds: dict[str, Rounds]
    system_calls: dict[str, SystemCalls]


@dataclasses.dataclass(frozen=True)
class PointFigures:
    """What one server did in one round of one point of the scaling series."""

    cpu_microseconds_per_call: float
    max_in_flight: int
    peak_resident_mib: float
    threads: int


# One server's points by the number of calls in flight, round by round. A round is left out where the
# server did not keep up with the load.
Series = dict[int, list[PointFigures]]


@dataclasses.dataclass(frozen=True)
class MemorySample:
    """At rest, after so many calls."""

    calls: int
    anonymous_mib: float
    resident_mib: float


@dataclasses.dataclass(frozen=True)
class IdleFigures:
    """A gateway that has just started and gets no call."""

    start_milliseconds: list[float]
    anonymous_mib: float
    resident_mib: float
    # By the thread's name, the threads of one name together; 0 for those that sleep.
    wake_ups_per_second: dict[str, float]


@dataclasses.dataclass(frozen=True)
class MappingFigures:
    """One line of bench-mapping."""

    name: str
    json_bytes: int
    nanoseconds: float
    allocations: float


@dataclasses.dataclass
class Results:
    """Of one run; what was not measured is empty."""

    scenarios: dict[str, ScenarioFigures] = dataclasses.field(default_factory=dict)
    series: dict[str, Series] = dataclasses.field(default_factory=dict)
    million: list[MemorySample] = dataclasses.field(default_factory=list)
    idle: IdleFigures | None = None
    mapping: list[MappingFigures] = dataclasses.field(default_factory=list)
