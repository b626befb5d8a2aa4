"""The processes that a benchmark starts, and what can be read off them while they run."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import types
import urllib.request

from load import BenchmarkError

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START_SECONDS = 10
STOP_SECONDS = 30
SAMPLE_SECONDS = 0.02
# Short, because the time from a start to its message is itself a figure.
MESSAGE_SECONDS = 0.001
API_KEY = "benchmark-key"
# Debian's packages have a folder for each major version: the newest here.
POSTGRES_VERSIONS = pathlib.Path("/usr/lib/postgresql")
POSTGRES_PROGRAMS = max(POSTGRES_VERSIONS.glob("*/bin"), default=POSTGRES_VERSIONS / "bin")
ECHO_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")


class Child:
    """A process that ends with the `with` block, whatever ends the block.

    It has a session of its own, so that Ctrl-C reaches the benchmark alone, which then ends its
    children in order. Should the benchmark itself be killed, the kernel sends them SIGTERM.
    """

    def __init__(self, name: str, command: list[str], folder: pathlib.Path):
        self.name = name
        self.output = folder / f"{name}.out"
        self.errors = folder / f"{name}.err"
        if shutil.which(command[0]) is None:
            raise BenchmarkError(f"{command[0]} is missing: ./dev bench builds or installs it")
        environment = {"PATH": os.environ["PATH"], "PASSFORT_GATEWAY_API_KEY": API_KEY}
        with open(self.output, "wb") as output, open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL,
                stdout=output, stderr=errors, env=environment, start_new_session=True)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: types.TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def stop(self) -> None:
        """Ends the process as Kubernetes does; an error if it does not exit with 0."""
        self.process.terminate()
        try:
            code = self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"{self.name} still runs {STOP_SECONDS} s after SIGTERM") from None
        if code != 0:
            raise self.failure(f"exit code {code} after SIGTERM")

    def failure(self, what: str) -> BenchmarkError:
        """An error about this process, with the end of what it wrote to stderr."""
        text = self.errors.read_text(errors="replace")[-1000:].strip()
        return BenchmarkError(f"{self.name}: {what}" + (f"\n{text}" if text else ""))

    def message(self, name: str) -> dict[str, object]:
        """The JSON line on stdout whose `message` is `name`; waits for it while it may come."""
        give_up_at = time.monotonic() + START_SECONDS
        while True:
            ended = self.process.poll() is not None
            with open(self.output, encoding="utf-8") as lines:
                for line in lines:
                    if line.endswith("\n") and f'"{name}"' in line:
                        fields: dict[str, object] = json.loads(line)
                        if fields.get("message") == name:
                            return fields
            if ended:
                raise self.failure(f'ended without the line "{name}"')
            if time.monotonic() > give_up_at:
                raise self.failure(f'no line "{name}" within {START_SECONDS} s')
            time.sleep(MESSAGE_SECONDS)

    def cpu_seconds(self) -> float:
        """CPU time of all threads, also of those that have ended."""
        # What glibc's clock_getcpuclockid(3) returns; Python has no name for it. /proc/PID/stat
        # counts in steps of 10 ms, this clock in nanoseconds.
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def status(self, field: str) -> int:
        """A number of /proc/PID/status; sizes are in KiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(rf"^{field}:\s+(\d+)", status, re.MULTILINE)
        if found is None:
            raise self.failure(f"/proc has no {field}")
        return int(found.group(1))


class Sampler:
    """Notes the most threads and anonymous memory that a process has during the `with` block."""

    def __init__(self, child: Child):
        self.threads = 0
        self.anonymous_kib = 0
        self._child = child
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: types.TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                self.threads = max(self.threads, self._child.status("Threads"))
                self.anonymous_kib = max(self.anonymous_kib, self._child.status("RssAnon"))
            except (OSError, BenchmarkError):
                return  # It has ended; whoever makes the calls notices and says so.
            if self._ended.wait(SAMPLE_SECONDS):
                return


class Server(Child):
    """A server with the gateway's contract. `listen` is its address."""

    # Requests to Passfort for each call.
    upstream_requests_per_call = 1
    # What its callers show, in a folder; None: they call in plain text.
    certificates: pathlib.Path | None = None

    def __init__(self, name: str, command: list[str], folder: pathlib.Path):
        super().__init__(name, command, folder)
        self.listen = ""

    def wait_until_serving(self) -> None:
        self.listen = str(self.message("serving")["listen"])

    def stop_and_count(self) -> int:
        """Stops it. Returns the calls that ended in OK in its life, by its own count."""
        self.stop()
        return int(str(self.message("stopped")["answered"]))


class Floor(Server):
    upstream_requests_per_call = 0

    def __init__(self, binaries: pathlib.Path, folder: pathlib.Path, response: pathlib.Path):
        super().__init__("floor", [str(binaries / "bench-floor"), str(response)], folder)


class Classic(Server):
    def __init__(self, binaries: pathlib.Path, folder: pathlib.Path, api_url: str):
        super().__init__(
            "classic", [str(binaries / "bench-classic"), api_url, API_KEY], folder)


class Gateway(Server):
    def __init__(self, binaries: pathlib.Path, folder: pathlib.Path, api_url: str,
                 *settings: str):
        super().__init__("gateway", [
            str(binaries / "passfort-gateway"), "--listen=127.0.0.1:0",
            "--metrics_listen=127.0.0.1:0", f"--api_url={api_url}", *settings], folder)

    def stop_and_count(self) -> int:
        metrics = _http_get(f"http://{self.message('serving')['metrics_listen']}/metrics")
        handled = re.findall(
            r'^grpc_server_handled_total\{([^}]*grpc_method="AddProductApplication"[^}]*)\} (\S+)',
            metrics, re.MULTILINE)
        self.stop()
        others = [labels for labels, count in handled
                  if 'grpc_code="OK"' not in labels and float(count) > 0]
        if others:
            raise BenchmarkError(f"gateway: calls that did not end in OK: {others}")
        return int(sum(float(count) for _labels, count in handled))


class GatewayWithStore(Gateway):
    """The gateway with a store, so that calls may carry a request_id."""

    upstream_requests_per_call = 2  # the profile's list before the write itself

    def __init__(self, binaries: pathlib.Path, folder: pathlib.Path, api_url: str, store: str):
        super().__init__(binaries, folder, api_url, f"--store={store}")


class GatewayWithMutualTls(Gateway):
    """The gateway that asks its callers for certificates, without reflection as beyond loopback."""

    def __init__(self, binaries: pathlib.Path, folder: pathlib.Path, api_url: str):
        self.certificates = folder / "certificates"
        if not self.certificates.exists():
            _make_callers_certificates(self.certificates)
        super().__init__(binaries, folder, api_url,
                         f"--tls_cert_file={self.certificates}/gateway.crt",
                         f"--tls_key_file={self.certificates}/gateway.key",
                         f"--tls_client_ca_file={self.certificates}/ca.crt",
                         "--reflection=off")


class Postgres(Child):
    """A PostgreSQL server of the benchmark's own. It runs as an unprivileged user, as it must."""

    def __init__(self, folder: pathlib.Path):
        self._home = folder / "postgres"
        self._home.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self._home, "postgres", "postgres")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]
        self._run("initdb", f"--pgdata={self._home}/data", "--auth=trust", "--username=gateway")
        super().__init__("postgres", self._as_user(
            "postgres", "-D", f"{self._home}/data", "-p", str(self._port), "-h", "127.0.0.1",
            "-k", str(self._home)), folder)

    @property
    def url(self) -> str:
        return f"postgresql://gateway@127.0.0.1:{self._port}/postgres?sslmode=disable"

    def wait_until_serving(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                raise self.failure(f"does not serve after {START_SECONDS} s")
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # does not wait for its clients
        self.process.wait(timeout=STOP_SECONDS)

    def _is_ready(self) -> bool:
        command = [str(POSTGRES_PROGRAMS / "pg_isready"), "-q", "-h", "127.0.0.1", "-p",
                   str(self._port)]
        return subprocess.run(command, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(self._as_user(program, *arguments), cwd="/", capture_output=True,
                              text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise BenchmarkError(f"{program}: {done.stderr}")

    @staticmethod
    def _as_user(program: str, *arguments: str) -> list[str]:
        if not (POSTGRES_PROGRAMS / program).exists():
            raise BenchmarkError(f"{POSTGRES_PROGRAMS / program} is missing: run ./dev deps")
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        return [*(user if os.geteuid() == 0 else []), str(POSTGRES_PROGRAMS / program), *arguments]


@dataclasses.dataclass(frozen=True)
class UpstreamCounts:
    connections: int
    requests: int


class Nginx(Child):
    """Passfort's stand-in: responds to every POST with the same JSON after `delay_milliseconds`, and
    every GET with an empty list. The same over TLS, where nothing is delayed."""

    def __init__(self, folder: pathlib.Path, response: str, delay_milliseconds: int):
        if delay_milliseconds and not ECHO_MODULE.exists():
            raise BenchmarkError(f"{ECHO_MODULE} is missing: run ./dev deps (package nginx-light)")
        # The port is free now. Should another process take it first, nginx says so and ends.
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._tls_port: int = free.getsockname()[1]
        self.certificate = _make_certificate(folder)
        configuration = folder / "nginx.conf"
        configuration.write_text(_nginx_configuration(
            folder, self.port, self._tls_port, response, delay_milliseconds))
        self._looks = 0
        super().__init__("nginx", ["nginx", "-p", str(folder), "-c", str(configuration)], folder)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/4.0"

    @property
    def tls_api_url(self) -> str:
        return f"https://localhost:{self._tls_port}/4.0"

    def wait_until_serving(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None:
                raise self.failure("ended at its start")
            try:
                self.counts()
                return
            except OSError:
                if time.monotonic() > give_up_at:
                    raise self.failure(f"does not respond after {START_SECONDS} s") from None
                time.sleep(0.02)

    def counts(self) -> UpstreamCounts:
        """Connections and requests so far, without the looks at them: each is one of both."""
        text = _http_get(f"http://127.0.0.1:{self.port}/status")
        self._looks += 1
        found = re.search(r"\n\s*(\d+)\s+\d+\s+(\d+)\s*\n", text)
        if found is None:
            raise BenchmarkError(f"nginx: cannot read its status: {text!r}")
        return UpstreamCounts(connections=int(found.group(1)) - self._looks,
                              requests=int(found.group(2)) - self._looks)


def _make_callers_certificates(folder: pathlib.Path) -> None:
    """Those of `./dev run --tls`."""
    script = 'source tools/common.sh; source tools/run.sh; make_demo_certificates "$1"'
    done = subprocess.run(["bash", "-c", script, "bash", str(folder)], cwd=ROOT, timeout=30,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(done.stderr)


def _make_certificate(folder: pathlib.Path) -> pathlib.Path:
    certificate = folder / "localhost.crt"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
               "-addext", "subjectAltName=DNS:localhost", "-out", str(certificate),
               "-keyout", str(folder / "localhost.key")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"openssl: {done.stderr}")
    return certificate


def _nginx_configuration(
        folder: pathlib.Path, port: int, tls_port: int, response: str,
        delay_milliseconds: int) -> str:
    if any(character in response for character in "'\\$"):
        raise BenchmarkError("the response holds a character that nginx's configuration cannot")
    load_module = f"load_module {ECHO_MODULE};" if delay_milliseconds else ""
    respond = (f"default_type application/json;"
               f" if ($request_method = GET) {{ return 200 '[]'; }} return 200 '{response}';")
    if delay_milliseconds:
        locations = f"""
          location /4.0/ {{ echo_sleep {delay_milliseconds / 1000}; echo_exec /response; }}
          location = /response {{ internal; {respond} }}"""
    else:
        locations = f"location /4.0/ {{ {respond} }}"
    temporary_paths = " ".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    # Connections stay open for the whole run, so that a new one is the measured server's doing.
    return f"""
      {load_module}
      daemon off;
      worker_processes 1;
      worker_rlimit_nofile 20000;
      pid {folder}/nginx.pid;
      error_log stderr warn;
      events {{ worker_connections 19000; }}
      http {{
        access_log off;
        {temporary_paths}
        keepalive_requests 1000000000;
        keepalive_timeout 600s;
        server {{
          listen 127.0.0.1:{port} backlog=8192;
          location = /status {{ stub_status; }}
          {locations}
        }}
        server {{
          listen 127.0.0.1:{tls_port} ssl backlog=8192;
          ssl_certificate {folder}/localhost.crt;
          ssl_certificate_key {folder}/localhost.key;
          location /4.0/ {{ {respond} }}
        }}
      }}
    """


def _http_get(url: str) -> str:
    # An opener without proxies: the benchmark stays on this machine whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=START_SECONDS) as response:
        text: str = response.read().decode("utf-8")
        return text
