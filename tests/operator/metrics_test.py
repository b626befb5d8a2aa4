"""Every metric has one of the usual prefixes and a row in docs/operations.md, and promtool finds nothing to say.

Usage: metrics_test.py --programs FOLDER

Takes the names from the sources, where a metric without a value yet is found too, and from a gateway of FOLDER.
Without promtool its test is skipped, but where the variable CI is set that is a failure.

Exit codes: 0 all hold; 1 one does not; 2 wrong usage.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/samples"))

from samples import Sample  # noqa: E402
from tour import SHOWN_GATEWAY, SHOWN_METRICS, Tour, make_certificates  # noqa: E402

PREFIXES = ("passfort_", "grpc_server_", "process_")
# How a source names a family.
NAMED = re.compile(r'(?:\bAdd(?:Counter|Gauge|Histogram)\(|\bAppend\(|\.Name\(|\bfamily\.name = )\s*"([^"]+)"')


def names_in_sources() -> set[str]:
    sources = [*(ROOT / "service").rglob("*.cc"), *(ROOT / "service").rglob("*.h")]
    return {name for source in sources for name in NAMED.findall(source.read_text())}


def names_in_table() -> set[str]:
    rows = [line for line in (ROOT / "docs/operations.md").read_text().splitlines() if line.startswith("|")]
    return {name for row in rows for name in re.findall(r"`([a-z_]+)(?:\{[^`]*\})?`", row.split("|")[1])}


def call_once(target: str, certificates: pathlib.Path) -> None:
    """A request without an id is refused, and counted like every other."""
    files = [(certificates / name).read_bytes() for name in ("ca.crt", "caller.key", "caller.crt")]
    method = "/passfort.gateway.v1.ProductApplicationService/AddProductApplication"
    with grpc.secure_channel(target, grpc.ssl_channel_credentials(*files),
                             options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            channel.unary_unary(method)(b"", timeout=30)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error


class MetricsTest(unittest.TestCase):
    programs: pathlib.Path
    text: str

    @classmethod
    def setUpClass(cls) -> None:
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            make_certificates(folder)
            tour = Tour(cls.programs, folder, stack, folder)
            call_once(tour.address(SHOWN_GATEWAY), folder)
            cls.text = tour.run(Sample("metrics_test", 0, f"curl --silent --fail http://{SHOWN_METRICS}/metrics"))

    def names_served(self) -> set[str]:
        return set(re.findall(r"^# TYPE (\S+) ", self.text, re.MULTILINE))

    def test_every_name_has_a_usual_prefix(self) -> None:
        names = names_in_sources() | self.names_served()
        self.assertIn("passfort_circuit_open", self.names_served())
        self.assertEqual([], sorted(name for name in names if not name.startswith(PREFIXES)))

    def test_the_sources_name_all_that_is_served(self) -> None:
        self.assertEqual(set(), self.names_served() - names_in_sources())

    def test_every_metric_has_a_row_in_the_documentation_and_no_other_has(self) -> None:
        documented = {name for name in names_in_table() if name.startswith(PREFIXES)}
        self.assertEqual(sorted(names_in_sources()), sorted(documented))

    def test_promtool_finds_nothing_to_say(self) -> None:
        promtool = shutil.which("promtool")
        if promtool is None:
            if "CI" in os.environ:
                self.fail("no promtool: run ./dev deps test")
            self.skipTest("no promtool here")
        checked = subprocess.run([promtool, "check", "metrics"], input=self.text, text=True, capture_output=True,
                                 check=False)
        self.assertEqual((0, "", ""), (checked.returncode, checked.stdout, checked.stderr))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--programs", required=True, type=pathlib.Path)
    MetricsTest.programs = parser.parse_args().programs
    unittest.main(argv=sys.argv[:1])
