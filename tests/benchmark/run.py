#!/usr/bin/python3
"""Compares the gateway with its peers: `./dev bench` builds the programs and starts this.

Servers, in rounds one after another so that a change of the machine's mood hits all of them:
  gateway   passfort-gateway with its defaults
  floor     the same contract with a response from memory: what gRPC alone costs
  classic   a thread for each call and pooled libcurl handles: how it is usually written
  tls       passfort-gateway with Passfort behind TLS
  mtls      passfort-gateway over TLS, which asks its callers for certificates
  sqlite, postgres
            passfort-gateway with a store; every call has a request_id of its own
Passfort's stand-in is nginx; the load comes from h2load, from bench-load where calls must differ,
and from bench-paced-load where they start at a fixed rate. A run fails if any call failed, or if
the server's, nginx's and the load's counts differ.

Exit code: 0 done, 1 something failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable

from document import replace_blocks
from figures import MappingFigures, Results
from lifetime import MANY_CALLS, measure_idle, measure_memory
from load import BenchmarkError
from plots import plot_series
from report import (conditions, idle_table, mapping_table, memory_table, scenario_table,
                    series_table)
from scenarios import RESPONSE, SCENARIOS, SERVERS, measure_scenario
from series import measure_series
from targets import targets_table

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"
# What is no comparison of servers under one load.
OTHERS = {
    "series": "CPU and memory by the number of calls in flight, from 1 to 10,000",
    "million": "memory over 1,000,000 calls",
    "idle": "start, memory and wake-ups without a call",
    "mapping": "reading Passfort's JSON, and mapping it to the contract",
}
DESCRIPTIONS = {name: scenario.description for name, scenario in SCENARIOS.items()} | OTHERS
ALL = "all"
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TOOLS = ("h2load", "nginx", "openssl", "setpriv", "strace")


def main() -> int:
    arguments = read_arguments()
    for number in INTERRUPTS:
        signal.signal(number, interrupt)
    allow_many_descriptors()
    try:
        check_tools()
        # Before anything else: the tree may change while this runs.
        blocks = {"conditions": conditions(ROOT, shlex.join(["./dev", "bench", *sys.argv[1:]]))}
        results = measure_all(arguments)
        blocks |= report_blocks(results, arguments)
        if arguments.document:
            replace_blocks(DOCUMENT, blocks)
            plot_series(results.series, PLOTS)
    except BenchmarkError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    report = "\n\n".join(["# Benchmark", *(
        f"## {name}: {DESCRIPTIONS[name]}\n\n{block}" if name in DESCRIPTIONS else block
        for name, block in blocks.items())])
    print(report)
    if arguments.output:
        arguments.output.write_text(report + "\n", encoding="utf-8")
    return 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--scenario", choices=[*DESCRIPTIONS, ALL],
        help="\n".join(f"{name}: {description}" for name, description in DESCRIPTIONS.items())
        + "\nall: these one after the other\ndefault: parallel64")
    parser.add_argument("--rounds", type=bounded(1, 100), default=5, help="default: 5")
    parser.add_argument("--requests", type=bounded(1, 2_000_000),
                        help="calls per server and round; the default depends on the scenario")
    parser.add_argument("--servers", type=server_names,
                        help=f"some of {','.join(SERVERS)}; the default depends on the scenario")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE.md",
                        help="write the report to this file too")
    parser.add_argument("--document", action="store_true",
                        help="measure all scenarios, and put the figures into docs/performance.md\n"
                        "and its plots; with 3 rounds about 12 minutes")
    parser.add_argument("--binaries", type=pathlib.Path,
                        default=ROOT / "build" / "benchmark" / "bin", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.document and (arguments.scenario or arguments.requests):
        parser.error("--document: measures every scenario with its own number of requests")
    arguments.scenario = ALL if arguments.document else arguments.scenario or "parallel64"
    if arguments.servers and arguments.scenario not in SCENARIOS:
        parser.error(f"--servers: only with one of {', '.join(SCENARIOS)}")
    if arguments.requests and arguments.scenario not in (*SCENARIOS, "million"):
        parser.error(f"--requests: only with one of {', '.join(SCENARIOS)}, million")
    return arguments


def bounded(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low} to {high}")
        return int(text)
    return convert


def server_names(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= set(SERVERS):
        raise argparse.ArgumentTypeError(f"{text!r}: only {','.join(SERVERS)} are known")
    return names


def interrupt(_signal: int, _frame: object) -> None:
    """Ends the run. The clean-up that follows is short, and a second Ctrl-C does not break it."""
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def allow_many_descriptors() -> None:
    """A call in flight is a socket upstream; children inherit the limit."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def check_tools() -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise BenchmarkError(f"{', '.join(missing)} missing: run ./dev deps")


def measure_all(arguments: argparse.Namespace) -> Results:
    results = Results()
    binaries: pathlib.Path = arguments.binaries
    names = list(DESCRIPTIONS) if arguments.scenario == ALL else [arguments.scenario]
    if arguments.document:
        names = [name for name in names if name not in SCENARIOS or SCENARIOS[name].is_in_document]
    for name in names:
        if name == "series":
            results.series = measure_series(arguments.rounds, binaries)
        elif name == "million":
            results.million = measure_memory(arguments.requests or MANY_CALLS, binaries)
        elif name == "idle":
            results.idle = measure_idle(binaries)
        elif name == "mapping":
            results.mapping = measure_mapping(binaries)
        else:
            scenario = SCENARIOS[name]
            scenario = dataclasses.replace(
                scenario, requests=arguments.requests or scenario.requests)
            if scenario.requests < scenario.shape.in_flight:
                raise BenchmarkError(
                    f"--requests={scenario.requests} is less than the {scenario.shape.in_flight}"
                    f" calls that {name} has in flight")
            results.scenarios[name] = measure_scenario(
                name, scenario, arguments.servers or scenario.servers, arguments.rounds, binaries)
    return results


def measure_mapping(binaries: pathlib.Path) -> list[MappingFigures]:
    print("mapping: about a minute", file=sys.stderr)
    command = [str(binaries / "bench-mapping"), str(RESPONSE), "--benchmark_format=json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    except FileNotFoundError as error:
        raise BenchmarkError(f"{error.filename} is missing: ./dev bench builds it") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise BenchmarkError(f"bench-mapping: {error}\n{error.stderr or ''}") from None
    return [MappingFigures(line["name"], int(line["bytes"]), line["cpu_time"], line["allocations"])
            for line in json.loads(done.stdout)["benchmarks"]]


def report_blocks(results: Results, arguments: argparse.Namespace) -> dict[str, str]:
    """The report's parts by name, in their order."""
    blocks = {}
    if arguments.scenario == ALL:
        blocks["targets"] = targets_table(results)
    for name, figures in results.scenarios.items():
        shape = SCENARIOS[name].shape
        requests = arguments.requests or SCENARIOS[name].requests
        blocks[name] = "\n\n".join([
            f"Connections: {shape.connections}; calls in flight on each: {shape.streams}; calls a"
            f" round: {requests:,}; rounds: {arguments.rounds}; median (range).",
            scenario_table(figures)])
    if results.series:
        blocks["series"] = "\n\n".join([
            f"Rounds: {arguments.rounds}; median (range).", series_table(results.series)])
    if results.million:
        blocks["million"] = memory_table(results.million)
    if results.idle:
        blocks["idle"] = idle_table(results.idle)
    if results.mapping:
        blocks["mapping"] = mapping_table(results.mapping)
    return blocks


if __name__ == "__main__":
    sys.exit(main())
