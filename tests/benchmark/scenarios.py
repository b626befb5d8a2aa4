"""The scenarios: servers side by side under the same load."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import sys
import tempfile
from collections.abc import Iterator, Sequence

from figures import Figures, Rounds, ScenarioFigures, SystemCalls
from load import BenchmarkError, LoadResult, Shape, run_fresh_load, run_load
from servers import (Classic, Floor, Gateway, GatewayWithMutualTls, GatewayWithStore, Nginx, Postgres,
                     Sampler, Server)
from system_calls import SystemCallCounter

FOLDER = pathlib.Path(__file__).resolve().parent
# Composed from the documented data model: a fresh application, as Passfort returns it.
RESPONSE = FOLDER / "product_application.json"
PEERS = ("gateway", "floor", "classic")
SERVERS = (*PEERS, "tls", "mtls", "sqlite", "postgres")

# Enough for a steady count, and few, because a traced server is slow.
TRACED_CALLS = 2_000
# Above what any load here has in flight; the gateway refuses what is over its limit, 5,000 unless
# set. As many upstream sockets fit into the 20,000 descriptors that a container often has.
MANY_IN_FLIGHT = "--max_in_flight=16000"


@dataclasses.dataclass(frozen=True)
class Scenario:
    description: str
    shape: Shape
    delay_milliseconds: int
    requests: int
    servers: tuple[str, ...] = PEERS
    # Whether every call has a profile of its own, and a request_id where there is a store.
    has_fresh_calls: bool = False
    gateway_settings: tuple[str, ...] = ()
    # Whether docs/performance.md has a place for its figures.
    is_in_document: bool = True


SCENARIOS = {
    "sequential": Scenario("one call after another", Shape(1, 1), 0, 5_000),
    "parallel64": Scenario("64 calls in flight", Shape(4, 16), 0, 20_000),
    "slow512": Scenario("512 calls in flight, Passfort takes 50 ms", Shape(4, 128), 50, 20_000),
    "slow4000": Scenario("4,000 calls in flight, Passfort takes 1 s", Shape(8, 500), 1_000, 16_000),
    # The floor has no call in flight, and the classic peer has too few descriptors: three a call.
    "slow10000": Scenario("10,000 calls in flight, Passfort takes 1 s", Shape(20, 500), 1_000,
                          20_000, servers=("gateway",), gateway_settings=(MANY_IN_FLIGHT,)),
    "tls": Scenario("64 calls in flight, Passfort behind TLS", Shape(4, 16), 0, 20_000,
                    servers=("gateway", "tls")),
    # Fresh calls, because h2load has no certificate to show.
    "mtls": Scenario("64 calls in flight, callers show certificates", Shape(4, 16), 0, 20_000,
                     servers=("gateway", "mtls"), has_fresh_calls=True, is_in_document=False,
                     gateway_settings=("--reflection=off",)),
    "once": Scenario("64 calls in flight, each with a request_id", Shape(4, 16), 0, 3_000,
                     servers=("gateway", "sqlite", "postgres"), has_fresh_calls=True),
}


@dataclasses.dataclass(frozen=True)
class Bench:
    """One scenario, Passfort's stand-in for it, and where the programs and the files are."""

    scenario: Scenario
    nginx: Nginx
    binaries: pathlib.Path
    folder: pathlib.Path

    @property
    def warm_up(self) -> int:
        """Calls before the measured ones: as many connections and threads as there will be."""
        return max(self.scenario.shape.in_flight, self.scenario.requests // 10)

    def make_calls(self, server: Server, requests: int) -> LoadResult:
        if self.scenario.has_fresh_calls:
            return run_fresh_load(self.binaries, server.listen, self.scenario.shape, requests,
                                  with_request_id=isinstance(server, GatewayWithStore),
                                  certificates=server.certificates)
        return run_load(server.listen, self.scenario.shape, requests, self.folder)


def measure_scenario(name: str, scenario: Scenario, servers: Sequence[str], rounds: int,
                     binaries: pathlib.Path) -> ScenarioFigures:
    """Interleaves the servers' rounds, so that a change of the machine's mood hits all of them."""
    measured: dict[str, Rounds] = {server: [] for server in servers}
    with run_nginx(scenario.delay_milliseconds) as (nginx, folder):
        bench = Bench(scenario, nginx, binaries, folder)
        for number in range(1, rounds + 1):
            for server_name in servers:
                figures = _measure_round(server_name, bench)
                measured[server_name].append(figures)
                print(f"{name}, round {number} of {rounds}: {server_name}"
                      f" {figures.cpu_microseconds_per_call:.1f} µs CPU per call,"
                      f" {figures.calls_per_second:.0f} calls/s", file=sys.stderr)
        system_calls = {server_name: _count_system_calls(server_name, bench)
                        for server_name in servers}
    return ScenarioFigures(measured, system_calls)


@contextlib.contextmanager
def run_nginx(delay_milliseconds: int) -> Iterator[tuple[Nginx, pathlib.Path]]:
    """Passfort's stand-in while the block runs, and a folder for what goes with it."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        response = RESPONSE.read_text(encoding="utf-8").strip()
        nginx = stack.enter_context(Nginx(folder, response, delay_milliseconds))
        nginx.wait_until_serving()
        yield nginx, folder


def _measure_round(server_name: str, bench: Bench) -> Figures:
    """Starts one server, warms it up, measures it, stops it and compares everyone's counts."""
    requests = bench.scenario.requests
    with contextlib.ExitStack() as stack:
        server = _start_server(server_name, bench, stack)
        bench.make_calls(server, bench.warm_up)

        upstream_before, cpu_before = bench.nginx.counts(), server.cpu_seconds()
        with Sampler(server) as sampler:
            load = bench.make_calls(server, requests)
        cpu_after, upstream_after = server.cpu_seconds(), bench.nginx.counts()
        peak_resident_kib = server.status("VmHWM")
        _stop_and_check(server, bench.warm_up + requests)

    upstream_requests = upstream_after.requests - upstream_before.requests
    new_connections = upstream_after.connections - upstream_before.connections
    expected_upstream = requests * server.upstream_requests_per_call
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


def _count_system_calls(server_name: str, bench: Bench) -> SystemCalls:
    """A short round of its own, because counting them makes them slow."""
    calls = max(bench.scenario.shape.in_flight, TRACED_CALLS)
    with contextlib.ExitStack() as stack:
        server = _start_server(server_name, bench, stack)
        bench.make_calls(server, bench.warm_up)
        with SystemCallCounter(server, bench.folder) as counter:
            bench.make_calls(server, calls)
        _stop_and_check(server, bench.warm_up + calls)
    by_count = sorted(counter.counts.items(), key=lambda item: item[1], reverse=True)
    return SystemCalls(per_call=sum(counter.counts.values()) / calls,
                       by_name={name: count / calls for name, count in by_count})


def _stop_and_check(server: Server, calls: int) -> None:
    answered = server.stop_and_count()
    if answered != calls:
        raise BenchmarkError(f"{server.name}: answered {answered} of {calls} calls with OK")


def _start_server(name: str, bench: Bench, stack: contextlib.ExitStack) -> Server:
    """A serving server, with what it needs; all of it ends with `stack`."""
    server = stack.enter_context(_new_server(name, bench, stack))
    server.wait_until_serving()
    return server


def _new_server(name: str, bench: Bench, stack: contextlib.ExitStack) -> Server:
    nginx, binaries, folder = bench.nginx, bench.binaries, bench.folder
    if name == "floor":
        return Floor(binaries, folder, RESPONSE)
    if name == "classic":
        return Classic(binaries, folder, nginx.api_url)
    if name == "mtls":
        return GatewayWithMutualTls(binaries, folder, nginx.api_url)
    if name == "tls":
        return Gateway(binaries, folder, nginx.tls_api_url, f"--api_ca_file={nginx.certificate}")
    home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
    if name == "sqlite":
        return GatewayWithStore(binaries, folder, nginx.api_url, f"sqlite:{home}/records.db")
    if name == "postgres":
        for way_in in (folder, home):  # PostgreSQL runs as another user
            way_in.chmod(0o755)
        postgres = stack.enter_context(Postgres(home))
        postgres.wait_until_serving()
        return GatewayWithStore(binaries, folder, nginx.api_url, postgres.url)
    return Gateway(binaries, folder, nginx.api_url, *bench.scenario.gateway_settings)
