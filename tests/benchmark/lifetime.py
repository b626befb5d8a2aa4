"""What a gateway takes without any call, and whether it takes more after very many."""

from __future__ import annotations

import pathlib
import re
import sys
import time

from figures import IdleFigures, MemorySample
from load import BenchmarkError, Shape, run_load
from scenarios import run_nginx
from servers import Child, Gateway

MANY_CALLS = 1_000_000
SAMPLES = 10
SHAPE = Shape(4, 16)

STARTS = 20
# What the start itself left to be done is over by then.
SETTLE_SECONDS = 1
IDLE_SECONDS = 10


def measure_memory(calls: int, binaries: pathlib.Path) -> list[MemorySample]:
    """One gateway gets so many calls, 64 in flight, and rests at each tenth of them."""
    samples = []
    step = calls // SAMPLES
    if step < SHAPE.in_flight:
        raise BenchmarkError(f"--requests={calls} is too few for {SAMPLES} samples")
    with run_nginx(delay_milliseconds=0) as (nginx, folder):
        with Gateway(binaries, folder, nginx.api_url) as gateway:
            gateway.wait_until_serving()
            for number in range(1, SAMPLES + 1):
                run_load(gateway.listen, SHAPE, step, folder)
                sample = MemorySample(
                    number * step, gateway.status("RssAnon") / 1024, gateway.status("VmRSS") / 1024)
                samples.append(sample)
                print(f"million: {sample.anonymous_mib:.2f} MiB anonymous after {sample.calls}"
                      f" calls", file=sys.stderr)
            answered = gateway.stop_and_count()
    if answered != SAMPLES * step:
        raise BenchmarkError(f"gateway: answered {answered} of {SAMPLES * step} calls with OK")
    return samples


def measure_idle(binaries: pathlib.Path) -> IdleFigures:
    print(f"idle: {STARTS} starts, then {IDLE_SECONDS} s of nothing", file=sys.stderr)
    with run_nginx(delay_milliseconds=0) as (nginx, folder):
        starts = [_start_milliseconds(binaries, folder, nginx.api_url) for _ in range(STARTS)]
        with Gateway(binaries, folder, nginx.api_url) as gateway:
            gateway.wait_until_serving()
            time.sleep(SETTLE_SECONDS)
            before = _voluntary_switches(gateway)
            time.sleep(IDLE_SECONDS)
            after = _voluntary_switches(gateway)
            return IdleFigures(
                start_milliseconds=starts,
                anonymous_mib=gateway.status("RssAnon") / 1024,
                resident_mib=gateway.status("VmRSS") / 1024,
                wake_ups_per_second={
                    name: (count - before.get(name, 0)) / IDLE_SECONDS
                    for name, count in sorted(after.items())})


def _start_milliseconds(binaries: pathlib.Path, folder: pathlib.Path, api_url: str) -> float:
    """From before the fork to the line that says where it serves."""
    started = time.monotonic()
    with Gateway(binaries, folder, api_url) as gateway:
        gateway.wait_until_serving()
        return (time.monotonic() - started) * 1000


def _voluntary_switches(child: Child) -> dict[str, int]:
    """How often the threads went to sleep so far, by their name."""
    switches: dict[str, int] = {}
    for task in pathlib.Path(f"/proc/{child.process.pid}/task").iterdir():
        name = (task / "comm").read_text(encoding="utf-8").strip()
        found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)",
                          (task / "status").read_text(encoding="utf-8"), re.MULTILINE)
        switches[name] = switches.get(name, 0) + (int(found.group(1)) if found else 0)
    return switches
