"""The load and what it measured: h2load, which sends one gRPC request again and again, or bench-load,
whose calls all differ."""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

METHOD = "passfort.gateway.v1.ProductApplicationService/AddProductApplication"
PROFILE_ID = "96d5c92b-6e20-4b4e-9a8c-6e5d6a1f0f01"
PRODUCT_ALIAS = "forexo_basic"

# Far above what any scenario takes: a run that hangs must end.
LONGEST_RUN_SECONDS = 300


class BenchmarkError(Exception):
    """What went wrong, in words for whoever started the benchmark."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """Calls in flight: `streams` on each of `connections` HTTP/2 connections."""

    connections: int
    streams: int

    @property
    def in_flight(self) -> int:
        return self.connections * self.streams


@dataclasses.dataclass(frozen=True)
class LoadResult:
    calls_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float


def run_load(address: str, shape: Shape, requests: int, folder: pathlib.Path) -> LoadResult:
    """Makes `requests` calls to the gRPC server at `address`; every one must get HTTP 200.

    h2load does not look at grpc-status: whether the calls ended in OK is for the caller to check.
    """
    body = folder / "request.bin"
    body.write_bytes(_grpc_request())
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)
    command = [
        "h2load",
        f"--requests={requests}",
        f"--clients={shape.connections}",
        f"--max-concurrent-streams={shape.streams}",
        "--threads=1",
        f"--log-file={log}",
        f"--data={body}",
        "--header=content-type: application/grpc",
        "--header=te: trailers",
        f"http://{address}/{METHOD}",
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_RUN_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(
            f"h2load did not finish {requests} calls in {LONGEST_RUN_SECONDS} s") from None
    succeeded = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout)
    statuses = re.search(r"status codes: (\d+) 2xx", done.stdout)
    counts = (*succeeded.groups(), *statuses.groups()) if succeeded and statuses else ()
    if done.returncode != 0 or counts != (str(requests), "0", "0", str(requests)):
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        raise BenchmarkError(f"h2load: not every one of {requests} calls was answered (see above)")
    return _read_log(log, requests)


def run_fresh_load(binaries: pathlib.Path, address: str, shape: Shape, requests: int,
                   with_request_id: bool, certificates: pathlib.Path | None) -> LoadResult:
    """Makes `requests` calls, each with its own profile; every one must end in OK. Over TLS if there
    is a folder of certificates."""
    command = [str(binaries / "bench-load"), address, str(shape.connections), str(shape.streams),
               str(requests), "with-request-id" if with_request_id else "without-request-id",
               *([] if certificates is None else [str(certificates)])]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_RUN_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(
            f"bench-load did not finish {requests} calls in {LONGEST_RUN_SECONDS} s") from None
    if done.returncode != 0:
        raise BenchmarkError(f"bench-load: {done.stdout}{done.stderr}")
    measured = json.loads(done.stdout)
    return LoadResult(
        calls_per_second=measured["calls_per_second"],
        p50_milliseconds=measured["p50_ms"],
        p99_milliseconds=measured["p99_ms"])


def _read_log(log: pathlib.Path, requests: int) -> LoadResult:
    """Reads h2load's log: start in µs since the epoch, HTTP status, duration in µs, per request."""
    starts: list[int] = []
    durations: list[int] = []
    for line in log.read_text().splitlines():
        start, _status, duration = line.split("\t")
        starts.append(int(start))
        durations.append(int(duration))
    if len(durations) != requests:
        raise BenchmarkError(f"h2load logged {len(durations)} of {requests} calls")
    last_end = max(start + duration for start, duration in zip(starts, durations))
    durations.sort()
    return LoadResult(
        calls_per_second=requests * 1e6 / (last_end - min(starts)),
        p50_milliseconds=durations[requests // 2] / 1000,
        p99_milliseconds=durations[requests * 99 // 100] / 1000,
    )


def _grpc_request() -> bytes:
    """One AddProductApplicationRequest as a gRPC message: not compressed, length, protobuf."""
    message = _field(1, PROFILE_ID.encode()) + _field(2, _field(1, PRODUCT_ALIAS.encode()))
    return b"\0" + len(message).to_bytes(4, "big") + message


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field; number below 16 and payload below 128 bytes."""
    return bytes([number << 3 | 2, len(payload)]) + payload
