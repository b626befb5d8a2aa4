"""A gateway and a fake-passfort for the tests that run what a reader would copy."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess

from samples import Sample, SampleError

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY = "demo-key"
# What the documents write for the gateway, its metrics and fake-passfort.
SHOWN_GATEWAY, SHOWN_METRICS, SHOWN_FAKE = "127.0.0.1:50051", "127.0.0.1:9464", "127.0.0.1:8080"
COMMAND_SECONDS = 30
# A signal ended the command, or there is no such command.
LOWEST_CODE_OF_THE_SHELL = 126


def read_line(process: subprocess.Popen, pattern: str) -> re.Match:
    """The first line of the process's output that matches; the test's time limit bounds the wait."""
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found
    raise SampleError(f"{process.args[-1]} ended before it printed {pattern}")


@contextlib.contextmanager
def started(command: list[str], environment: dict[str, str]):
    """The process ends with the block; should the test be killed, the kernel ends it."""
    process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command], env=environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def make_certificates(folder: pathlib.Path) -> None:
    """Those of `./dev run --tls`, and its callers file beside them."""
    script = ('source tools/common.sh; source tools/run.sh; make_demo_certificates "$1"; '
              'write_demo_callers "$1/callers.json"')
    subprocess.run(["bash", "-c", script, "bash", str(folder)], cwd=ROOT, check=True)


class Tour:
    """A gateway with a store before a fake-passfort, as `./dev run` starts them; with `certificates`, a folder, as
    `./dev run --tls` does."""

    def __init__(self, programs: pathlib.Path, folder: pathlib.Path, processes: contextlib.ExitStack,
                 certificates: pathlib.Path | None = None):
        own = {name: value for name, value in os.environ.items()
               if not name.startswith("PASSFORT_GATEWAY_")}
        fake = processes.enter_context(started(
            [str(programs / "fake-passfort"), "--listen", "127.0.0.1:0", "--api_key", KEY], own))
        api_url = read_line(fake, r"^fake-passfort: (\S+)")[1]
        tls = [] if certificates is None else [
            "--tls_cert_file", str(certificates / "gateway.crt"), "--tls_key_file", str(certificates / "gateway.key"),
            "--tls_client_ca_file", str(certificates / "ca.crt"),
            "--callers_file", str(certificates / "callers.json")]
        gateway = processes.enter_context(started(
            [str(programs / "passfort-gateway"), "--api_url", api_url, "--store",
             f"sqlite:{folder / 'records.db'}", "--listen", "127.0.0.1:0", "--metrics_listen",
             "127.0.0.1:0", "--operations_service", *tls], own | {"PASSFORT_GATEWAY_API_KEY": KEY}))
        serving = read_line(gateway, r'"serving","listen":"([^"]+)","metrics_listen":"([^"]+)"')
        # gRPC and curl would go through the proxy of http_proxy, even to this machine.
        self._environment = own | {"no_grpc_proxy": "127.0.0.1", "no_proxy": "127.0.0.1"}
        if shutil.which("grpcurl") is None:
            self._environment["PATH"] = f"{pathlib.Path(__file__).parent}:{own['PATH']}"
        self._programs = programs
        self._addresses = {SHOWN_GATEWAY: serving[1], SHOWN_METRICS: serving[2],
                           SHOWN_FAKE: re.search(r"//([^/]+)/", api_url)[1]}

    def address(self, shown: str) -> str:
        """Where that is which the documents write as `shown`."""
        return self._addresses[shown]

    def run(self, sample: Sample) -> str:
        """What the sample's command prints, in the documents' addresses."""
        command = re.sub(r"\bbuild/\w+/bin\b", str(self._programs), sample.command)
        for shown, real in self._addresses.items():
            command = command.replace(shown, real)
        ended = subprocess.run(["bash", "-c", command], cwd=ROOT, env=self._environment, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, timeout=COMMAND_SECONDS, check=False)
        printed = ended.stdout
        if ended.returncode >= LOWEST_CODE_OF_THE_SHELL or (ended.returncode and not sample.shown):
            raise SampleError(f"{sample.place()}: `{sample.command}` ended with {ended.returncode}:\n{printed}")
        for shown, real in self._addresses.items():
            printed = printed.replace(real, shown)
        return printed
