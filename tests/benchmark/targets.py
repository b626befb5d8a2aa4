"""The targets, and whether the figures of a run meet them."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable

from figures import Results
from report import round_ratios, round_values, table

# Threads that are not the gateway's own, by the names that gRPC and the metrics server give them.
LIBRARY_THREADS = ("default-executo", "event_engine", "grpc_global_tim", "grpcpp_",
                   "nexting_thread", "resolver-execut", "timer_manager")
FLAT_UP_TO = 4_000
MAPPED_RESPONSE = "read_and_map/response"
# More than the samples' trend varies by without any growth, as what malloc keeps differs from one
# moment to the next. The least that malloc can lose, 32 bytes, lost in each call would be 27 MiB.
GROWTH_MIB = 1


@dataclasses.dataclass(frozen=True)
class Target:
    situation: str
    wanted: str
    figure: Callable[[Results], float]
    limit: float
    unit: str = ""
    decimals: int = 2
    # The figure is wanted to be at least the limit, not at most.
    is_floor: bool = False


def _figure(scenario: str, field: str, server: str = "gateway") -> Callable[[Results], float]:
    return lambda results: statistics.median(
        round_values(results.scenarios[scenario].rounds[server], field))


def _ratio(scenario: str, field: str, other: str, server: str = "gateway"
           ) -> Callable[[Results], float]:
    def ratio(results: Results) -> float:
        rounds = results.scenarios[scenario].rounds
        return statistics.median(round_ratios(
            round_values(rounds[server], field), round_values(rounds[other], field)))
    return ratio


def _mapping_microseconds(results: Results) -> float:
    return next(line.nanoseconds for line in results.mapping if line.name == MAPPED_RESPONSE) / 1000


def _deviation_percent(results: Results) -> float:
    """How far the gateway's cost per call strays from its middle, up to FLAT_UP_TO in flight."""
    points = [rounds for point, rounds in results.series["gateway"].items() if point <= FLAT_UP_TO]
    if not all(points):
        return math.inf
    costs = [statistics.median(figures.cpu_microseconds_per_call for figures in rounds)
             for rounds in points]
    return 100 * (max(costs) - min(costs)) / (max(costs) + min(costs))


def _growth_mib(results: Results) -> float:
    """By the line that fits the samples best: two of them alone say more about malloc's caches."""
    calls = [sample.calls for sample in results.million]
    trend = statistics.linear_regression(
        calls, [sample.anonymous_mib for sample in results.million])
    return trend.slope * (calls[-1] - calls[0])


def _own_wake_ups(results: Results) -> float:
    assert results.idle is not None
    return sum(count for name, count in results.idle.wake_ups_per_second.items()
               if not name.startswith(LIBRARY_THREADS))


def _idle(field: str) -> Callable[[Results], float]:
    return lambda results: float(getattr(results.idle, field))


def _start_milliseconds(results: Results) -> float:
    assert results.idle is not None
    return statistics.median(results.idle.start_milliseconds)


CPU, RATE, RESIDENT = "cpu_microseconds_per_call", "calls_per_second", "peak_resident_mib"
TARGETS = (
    Target("64 in flight", "CPU per call ≤ 3 × floor", _ratio("parallel64", CPU, "floor"), 3, "×"),
    Target("", "CPU per call ≤ 0.45 × classic", _ratio("parallel64", CPU, "classic"), 0.45, "×"),
    Target("", "calls/s ≥ 1.5 × classic", _ratio("parallel64", RATE, "classic"), 1.5, "×",
           is_floor=True),
    Target("one after another", "p50 not above classic's",
           _ratio("sequential", "p50_milliseconds", "classic"), 1, "×"),
    Target("Passfort behind TLS", "CPU per call ≤ 1.2 × plain",
           _ratio("tls", CPU, "gateway", server="tls"), 1.2, "×"),
    Target("4,000 in flight at 1 s", "≤ 100 MiB resident", _figure("slow4000", RESIDENT), 100,
           "MiB", 1),
    Target("", "≤ 20 threads", _figure("slow4000", "threads"), 20, "", 0),
    Target("", "calls/s ≥ 1.3 × classic", _ratio("slow4000", RATE, "classic"), 1.3, "×",
           is_floor=True),
    Target("10,000 in flight at 1 s", "≤ 220 MiB resident", _figure("slow10000", RESIDENT), 220,
           "MiB", 1),
    Target("mapping of the response", "≤ 8 µs", _mapping_microseconds, 8, "µs", 1),
    Target("1 to 4,000 in flight", "CPU per call flat within ± 10 %", _deviation_percent, 10, "%",
           0),
    Target("1,000,000 calls", "no growth after the first 100,000", _growth_mib, GROWTH_MIB, "MiB"),
    Target("start", "serving after ≤ 100 ms", _start_milliseconds, 100, "ms", 0),
    Target("idle", "no wake-ups of its own", _own_wake_ups, 0, "a second", 1),
    Target("", "≤ 10 MiB anonymous", _idle("anonymous_mib"), 10, "MiB", 1),
    Target("", "≤ 40 MiB resident", _idle("resident_mib"), 40, "MiB", 1),
)


def targets_table(results: Results) -> str:
    """Medians; ratios are those of the rounds, servers being neighbours in time."""
    rows = []
    for target in TARGETS:
        figure = target.figure(results)
        is_met = figure >= target.limit if target.is_floor else figure <= target.limit
        rows.append((target.situation, target.wanted,
                     f"{figure:.{target.decimals}f} {target.unit}".strip(),
                     "met" if is_met else "**missed**"))
    return table(("", "target", "figure", ""), rows)
