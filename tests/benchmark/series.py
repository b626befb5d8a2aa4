"""The scaling series: what a call costs and what memory is taken by the number of calls in flight.

Passfort's stand-in takes the longer the more calls are to be in flight, and calls start at the same
rate in every point (a thousand a second, at random instants, whatever became of the earlier ones).
So points differ in nothing but the calls in flight: a server that is busier anyway, or that handles
many events in one go because they come in bursts, would hide what a call more in flight costs.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import time

from figures import PointFigures, Series
from load import LONGEST_RUN_SECONDS, BenchmarkError
from scenarios import MANY_IN_FLIGHT, run_nginx
from servers import Child, Classic, Gateway, Nginx, Server

CALLS_PER_SECOND = 1_000
CONNECTIONS = 4
POINTS = (1, 4, 16, 64, 256, 1_000, 4_000, 10_000)
# The classic peer needs three descriptors for each call in flight; 20,000 are a common limit.
POINTS_OF = {"gateway": POINTS, "classic": tuple(point for point in POINTS if point <= 4_000)}

# After those that the first ones find in flight: by then the first responses have come, and every
# connection is there.
WARM_UP_CALLS = 500
MEASURED_CALLS = 2_500
LOOK_SECONDS = 0.05


class PacedLoad(Child):
    """bench-paced-load: starts `calls` calls at CALLS_PER_SECOND; every one must end in OK."""

    def __init__(self, binaries: pathlib.Path, address: str, calls: int, folder: pathlib.Path):
        super().__init__("bench-paced-load", [
            str(binaries / "bench-paced-load"), address, str(CONNECTIONS), str(CALLS_PER_SECOND),
            str(calls)], folder)

    def wait_until_ended(self) -> int:
        """Returns how many calls were in flight at most."""
        try:
            code = self.process.wait(timeout=LONGEST_RUN_SECONDS)
        except subprocess.TimeoutExpired:
            raise self.failure(f"did not end in {LONGEST_RUN_SECONDS} s") from None
        if code != 0:
            raise self.failure(f"exit code {code}")
        return int(json.loads(self.output.read_text(encoding="utf-8"))["max_in_flight"])


def measure_series(rounds: int, binaries: pathlib.Path) -> dict[str, Series]:
    measured: dict[str, Series] = {
        name: {point: [] for point in points} for name, points in POINTS_OF.items()}
    for number in range(1, rounds + 1):
        for point in POINTS:
            for name, series in measured.items():
                if point not in series:
                    continue
                figures = _measure_point(name, point, binaries)
                if figures.max_in_flight <= _max_if_keeping_up(point):
                    series[point].append(figures)
                print(f"series, round {number} of {rounds}: {name}, {point} in flight (at most"
                      f" {figures.max_in_flight}) {figures.cpu_microseconds_per_call:.1f} µs CPU"
                      f" per call, {figures.peak_resident_mib:.1f} MiB", file=sys.stderr)
    return measured


def _max_if_keeping_up(in_flight: int) -> int:
    """More than random instants make of the number. A server that lets calls pile up has more in
    flight than the point stands for, and handles them when it is no longer called."""
    return in_flight + in_flight // 4 + 200


def _measure_point(name: str, in_flight: int, binaries: pathlib.Path) -> PointFigures:
    calls = in_flight + WARM_UP_CALLS + MEASURED_CALLS
    delay_milliseconds = in_flight * 1000 // CALLS_PER_SECOND
    with run_nginx(delay_milliseconds) as (nginx, folder):
        with _new_server(name, nginx.api_url, binaries, folder) as server:
            server.wait_until_serving()
            with PacedLoad(binaries, server.listen, calls, folder) as load:
                upstream_before = _wait_for_requests(nginx, in_flight + WARM_UP_CALLS)
                cpu_before = server.cpu_seconds()
                upstream_after = _wait_for_requests(nginx, calls)
                cpu_after = server.cpu_seconds()
                threads = server.status("Threads")
                max_in_flight = load.wait_until_ended()
            peak_resident_kib = server.status("VmHWM")
            answered = server.stop_and_count()
    if answered != calls:
        raise BenchmarkError(f"{name}: answered {answered} of {calls} calls with OK")
    return PointFigures(
        cpu_microseconds_per_call=(
            (cpu_after - cpu_before) * 1e6 / (upstream_after - upstream_before)),
        max_in_flight=max_in_flight,
        peak_resident_mib=peak_resident_kib / 1024,
        threads=threads)


def _wait_for_requests(nginx: Nginx, requests: int) -> int:
    """Waits until that many calls have reached Passfort's stand-in. Returns how many have."""
    give_up_at = time.monotonic() + LONGEST_RUN_SECONDS
    while (count := nginx.counts().requests) < requests:
        if time.monotonic() > give_up_at:
            raise BenchmarkError(
                f"nginx got {count} of {requests} requests in {LONGEST_RUN_SECONDS} s")
        time.sleep(LOOK_SECONDS)
    return count


def _new_server(name: str, api_url: str, binaries: pathlib.Path, folder: pathlib.Path) -> Server:
    if name == "classic":
        return Classic(binaries, folder, api_url)
    return Gateway(binaries, folder, api_url, MANY_IN_FLIGHT)
