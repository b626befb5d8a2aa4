#!/usr/bin/python3
"""Compares the gateway with its peers: `./dev bench` builds the programs and starts this.

Servers, in rounds one after another so that a change of the machine's mood hits all of them:
  gateway   passfort-gateway with its defaults
  floor     the same contract answered from memory: what gRPC alone costs
  classic   a thread for each call and pooled libcurl handles: how it is usually written
  tls       passfort-gateway with Passfort behind TLS
  sqlite, postgres
            passfort-gateway with a store; every call has a request_id of its own
Passfort's stand-in is nginx; the load comes from h2load, or from bench-load where calls must differ. A run fails if any call failed, or if the
server's, nginx's and h2load's counts differ.

Exit code: 0 done, 1 something failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import pathlib
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable

from load import BenchmarkError, LoadResult, Shape, run_fresh_load, run_load
from report import Figures, Rounds, conditions, mapping_table, scenario_table
from servers import Classic, Floor, Gateway, Nginx, OnceGateway, Postgres, Sampler, Server

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
# Composed from the documented data model: a fresh application, as the add call answers it.
ANSWER = FOLDER / "product_application.json"
PEERS = ("gateway", "floor", "classic")
SERVERS = (*PEERS, "tls", "sqlite", "postgres")
MAPPING = "mapping"
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclasses.dataclass(frozen=True)
class Scenario:
    description: str
    shape: Shape
    delay_milliseconds: int
    requests: int
    servers: tuple[str, ...] = PEERS
    # Whether every call has a profile of its own, and a request_id where there is a store.
    has_fresh_calls: bool = False


SCENARIOS = {
    "sequential": Scenario("one call after another", Shape(1, 1), 0, 5_000),
    "parallel64": Scenario("64 calls in flight", Shape(4, 16), 0, 20_000),
    "slow512": Scenario("512 calls in flight, Passfort takes 50 ms", Shape(4, 128), 50, 20_000),
    "slow4000": Scenario("4,000 calls in flight, Passfort takes 1 s", Shape(8, 500), 1_000, 16_000),
    "tls": Scenario("64 calls in flight, Passfort behind TLS", Shape(4, 16), 0, 20_000,
                    servers=("gateway", "tls")),
    "once": Scenario("64 calls in flight, each with a request_id", Shape(4, 16), 0, 5_000,
                     servers=("gateway", "sqlite", "postgres"), has_fresh_calls=True),
}


def main() -> int:
    arguments = read_arguments()
    for number in INTERRUPTS:
        signal.signal(number, interrupt)
    allow_many_descriptors()
    try:
        check_tools()
        report = measure_all(arguments)
    except BenchmarkError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    print(report)
    if arguments.output:
        arguments.output.write_text(report + "\n", encoding="utf-8")
    return 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--scenario", choices=[*SCENARIOS, MAPPING, "all"], default="parallel64",
        help="\n".join(f"{name}: {scenario.description}" for name, scenario in SCENARIOS.items())
        + "\nmapping: reading and mapping of Passfort's JSON, by size\ndefault: parallel64")
    parser.add_argument("--rounds", type=bounded(1, 100), default=5, help="default: 5")
    parser.add_argument("--requests", type=bounded(1, 2_000_000),
                        help="calls per server and round; the default depends on the scenario")
    parser.add_argument("--servers", type=server_names,
                        help=f"some of {','.join(SERVERS)}; the default depends on the scenario")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE.md",
                        help="write the report to this file too")
    parser.add_argument("--binaries", type=pathlib.Path,
                        default=ROOT / "build" / "benchmark" / "bin", help=argparse.SUPPRESS)
    return parser.parse_args()


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
    missing = [tool for tool in ("h2load", "nginx", "setpriv") if shutil.which(tool) is None]
    if missing:
        raise BenchmarkError(f"{', '.join(missing)} missing: run ./dev deps")


def measure_all(arguments: argparse.Namespace) -> str:
    names = [*SCENARIOS, MAPPING] if arguments.scenario == "all" else [arguments.scenario]
    command = shlex.join(["./dev", "bench", *sys.argv[1:]])
    parts = ["# Benchmark", conditions(ROOT, command)]
    for name in names:
        if name == MAPPING:
            parts += ["## mapping: reading Passfort's JSON, and mapping it to the contract",
                      measure_mapping(arguments.binaries)]
            continue
        scenario = SCENARIOS[name]
        if arguments.requests:
            scenario = dataclasses.replace(scenario, requests=arguments.requests)
        if scenario.requests < scenario.shape.in_flight:
            raise BenchmarkError(
                f"--requests={scenario.requests} is less than the {scenario.shape.in_flight} calls"
                f" that {name} has in flight")
        measured = measure(name, scenario, arguments)
        parts += [
            f"## {name}: {scenario.description}",
            f"{scenario.shape.connections} connections × {scenario.shape.streams} streams,"
            f" {scenario.requests} calls a round, {arguments.rounds} rounds: median (range).",
            scenario_table(measured)]
    return "\n\n".join(parts)


def measure(name: str, scenario: Scenario, arguments: argparse.Namespace) -> dict[str, Rounds]:
    servers = arguments.servers or scenario.servers
    measured: dict[str, Rounds] = {server: [] for server in servers}
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        answer = ANSWER.read_text(encoding="utf-8").strip()
        nginx = stack.enter_context(Nginx(folder, answer, scenario.delay_milliseconds))
        nginx.wait_until_serving()
        for number in range(1, arguments.rounds + 1):
            for server_name in servers:
                figures = measure_round(
                    server_name, scenario, nginx, arguments.binaries, folder)
                measured[server_name].append(figures)
                print(f"{name}, round {number} of {arguments.rounds}: {server_name}"
                      f" {figures.cpu_microseconds_per_call:.1f} µs CPU per call,"
                      f" {figures.calls_per_second:.0f} calls/s", file=sys.stderr)
    return measured


def measure_round(server_name: str, scenario: Scenario, nginx: Nginx, binaries: pathlib.Path,
                  folder: pathlib.Path) -> Figures:
    """Starts one server, warms it up, measures it, stops it and compares everyone's counts."""
    requests = scenario.requests
    warm_up = max(scenario.shape.in_flight, requests // 10)
    with contextlib.ExitStack() as stack:
        server = start_server(server_name, nginx, binaries, folder, stack)
        server.wait_until_serving()
        make_calls(server, scenario, warm_up, binaries, folder)

        upstream_before, cpu_before = nginx.counts(), server.cpu_seconds()
        with Sampler(server) as sampler:
            load = make_calls(server, scenario, requests, binaries, folder)
        cpu_after, upstream_after = server.cpu_seconds(), nginx.counts()
        peak_resident_kib = server.status("VmHWM")
        answered = server.stop_and_count()

    # One of each is the look at the counts itself.
    upstream_requests = upstream_after.requests - upstream_before.requests - 1
    new_connections = upstream_after.connections - upstream_before.connections - 1
    expected_upstream = requests * server.upstream_requests_per_call
    if answered != warm_up + requests:
        raise BenchmarkError(
            f"{server_name}: answered {answered} of {warm_up + requests} calls with OK")
    if upstream_requests != expected_upstream:
        raise BenchmarkError(
            f"{server_name}: nginx got {upstream_requests} requests for {expected_upstream} calls")
    return Figures(
        cpu_microseconds_per_call=(cpu_after - cpu_before) * 1e6 / requests,
        calls_per_second=load.calls_per_second,
        p50_milliseconds=load.p50_milliseconds,
        p99_milliseconds=load.p99_milliseconds,
        peak_resident_mib=peak_resident_kib / 1024,
        anonymous_mib=sampler.anonymous_kib / 1024,
        threads=sampler.threads,
        new_upstream_connections=new_connections if expected_upstream else None)


def make_calls(server: Server, scenario: Scenario, requests: int, binaries: pathlib.Path,
               folder: pathlib.Path) -> LoadResult:
    if scenario.has_fresh_calls:
        return run_fresh_load(binaries, server.listen, scenario.shape, requests,
                              with_request_id=isinstance(server, OnceGateway))
    return run_load(server.listen, scenario.shape, requests, folder)


def start_server(name: str, nginx: Nginx, binaries: pathlib.Path, folder: pathlib.Path,
                 stack: contextlib.ExitStack) -> Server:
    """Starts a server, with what it needs; all of it ends with `stack`."""
    if name == "floor":
        return stack.enter_context(Floor(binaries, folder, ANSWER))
    if name == "classic":
        return stack.enter_context(Classic(binaries, folder, nginx.api_url))
    if name == "tls":
        return stack.enter_context(Gateway(binaries, folder, nginx.tls_api_url,
                                           f"--api_ca_file={nginx.certificate}"))
    home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
    if name == "sqlite":
        return stack.enter_context(
            OnceGateway(binaries, folder, nginx.api_url, f"sqlite:{home}/records.db"))
    if name == "postgres":
        for way_in in (folder, home):  # PostgreSQL runs as another user
            way_in.chmod(0o755)
        postgres = stack.enter_context(Postgres(home))
        postgres.wait_until_serving()
        return stack.enter_context(OnceGateway(binaries, folder, nginx.api_url, postgres.url))
    return stack.enter_context(Gateway(binaries, folder, nginx.api_url))


def measure_mapping(binaries: pathlib.Path) -> str:
    print("mapping: about a minute", file=sys.stderr)
    command = [str(binaries / "bench-mapping"), str(ANSWER), "--benchmark_format=json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    except FileNotFoundError as error:
        raise BenchmarkError(f"{error.filename} is missing: ./dev bench builds it") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise BenchmarkError(f"bench-mapping: {error}\n{error.stderr or ''}") from None
    return mapping_table(json.loads(done.stdout)["benchmarks"])


if __name__ == "__main__":
    sys.exit(main())
