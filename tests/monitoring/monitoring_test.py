"""What the dashboard asks and the alerts look at is there: a real Prometheus scrapes a gateway and evaluates all of it.

Usage: monitoring_test.py --programs FOLDER

The gateway of FOLDER serves TLS before a fake-passfort, with a store and a policy, and gets calls of each kind that the
dashboard tells apart: good, wrong, not let in and rate limited. Its certificate is made unreadable as well.

Exit codes: 0 it is; 1 it is not; 2 wrong usage; 77 there is no Prometheus here (1 where the variable CI is set).
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/samples"))
from tour import KEY, make_certificates, read_line, started  # pylint: disable=wrong-import-position

MONITORING = ROOT / "deploy/components/monitoring"
SKIPPED = 77
JOB = "passfort-gateway"
CALLER, TRIAL = "caller", "trial"
PROFILE = "7a9c1c80-5d0f-4f6c-9d0e-2b8c6f1e3a54"
# For all waits together.
SECONDS = 20
NAME = re.compile(r"\b((?:passfort|grpc_server|process)_[a-z_:0-9]+|up)\b(?!\()")


def free_port() -> int:
    """Prometheus does not say which one it took, so it has to be told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def rules() -> dict:
    return yaml.safe_load((MONITORING / "prometheus-rule.yaml").read_text(encoding="utf-8"))["spec"]


def all_rules() -> list[dict]:
    return [rule for group in rules()["groups"] for rule in group["rules"]]


def dashboard_queries() -> list[tuple[str, str]]:
    """Title of the panel, and query."""
    panels = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    return [(panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", [])]


class Prometheus:
    """Scrapes `target`, with the rules as the manifest has them."""

    def __init__(self, target: str, folder: pathlib.Path, processes: contextlib.ExitStack):
        self._address = f"127.0.0.1:{free_port()}"
        self._deadline = time.monotonic() + SECONDS
        (folder / "rules.yaml").write_text(yaml.safe_dump(rules()), encoding="utf-8")
        (folder / "prometheus.yaml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "1s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [target]}]}]}), encoding="utf-8")
        processes.enter_context(started(
            ["prometheus", f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}",
             f"--web.listen-address={self._address}", "--log.level=error"], dict(os.environ)))

    def get(self, path: str, **parameters: str):
        """The data, or None while Prometheus does not answer."""
        connection = http.client.HTTPConnection(self._address, timeout=SECONDS)
        try:
            connection.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
            answer = json.load(connection.getresponse())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        if answer["status"] != "success":
            raise AssertionError(f"{path} {parameters}: {answer['error']}")
        return answer["data"]

    def wait(self, is_there):
        """What `is_there` returns once that is something; at the end of the time, what it returns then."""
        while True:
            found = is_there()
            if found or time.monotonic() > self._deadline:
                return found
            time.sleep(0.05)

    def query(self, expression: str) -> list:
        return self.wait(lambda: (self.get("query", query=expression) or {}).get("result"))


class MonitoringTest(unittest.TestCase):
    programs: pathlib.Path

    @classmethod
    def setUpClass(cls):
        processes = contextlib.ExitStack()
        cls.addClassCleanup(processes.close)
        folder = pathlib.Path(processes.enter_context(tempfile.TemporaryDirectory()))
        cls.certificates = folder / "certificates"
        make_certificates(cls.certificates)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PASSFORT_GATEWAY_")}
        environment["no_grpc_proxy"] = "127.0.0.1"
        fake = processes.enter_context(started(
            [str(cls.programs / "fake-passfort"), "--listen", "127.0.0.1:0", "--api_key", KEY], environment))
        api_url = read_line(fake, r"^fake-passfort: (\S+)")[1]
        key_file, policy = folder / "api_key", folder / "policy.json"
        key_file.write_text(KEY, encoding="utf-8")
        policy.write_text(json.dumps({"name": "test", "allow_rules": [
            {"name": "the caller", "source": {"principals": ["spiffe://demo.example/caller"]}}]}), encoding="utf-8")
        for file in (key_file, policy):
            file.chmod(0o600)
        gateway = processes.enter_context(started(
            [str(cls.programs / "passfort-gateway"), f"--api_url={api_url}", f"--api_key_file={key_file}",
             f"--store=sqlite:{folder / 'records.db'}", "--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0",
             f"--tls_cert_file={cls.certificates / 'gateway.crt'}", f"--tls_key_file={cls.certificates / 'gateway.key'}",
             f"--tls_client_ca_file={cls.certificates / 'ca.crt'}", f"--callers_file={cls.certificates / 'callers.json'}",
             f"--authorization_policy_file={policy}"], environment))
        serving = read_line(gateway, r'"serving","listen":"([^"]+)","metrics_listen":"([^"]+)"')
        cls.environment, cls.target, cls.fake = environment, serving[1], re.search(r"//([^/]+)/", api_url)[1]
        cls.prometheus = Prometheus(serving[2], folder, processes)
        cls.make_calls()
        read_line(gateway, "the files as they are now are not used")

    @classmethod
    def add(cls, caller: str, profile: str, *arguments: str) -> int:
        return subprocess.run(
            [cls.programs / "add_product_application", f"--target={cls.target}", f"--profile_id={profile}",
             "--product_alias=forexo_basic", f"--ca_file={cls.certificates / 'ca.crt'}",
             f"--cert_file={cls.certificates / caller}.crt", f"--key_file={cls.certificates / caller}.key", *arguments],
            env=cls.environment, check=False, capture_output=True).returncode

    @classmethod
    def make_calls(cls):
        limited = {"endpoint": "add", "carry_out": "never",
                   "answer": {"status": 429, "headers": {"X-RateLimit-Retry-Secs": "1"}}}
        connection = http.client.HTTPConnection(cls.fake)
        connection.request("POST", "/control/faults", json.dumps(limited))
        connection.getresponse().read()
        connection.close()
        # Waits for the second that the 429 states.
        assert cls.add(CALLER, PROFILE, "--request_id=first") == 0
        assert cls.add(CALLER, "no-uuid") != 0
        assert cls.add(TRIAL, PROFILE) != 0
        (cls.certificates / "gateway.crt").write_text("no certificate", encoding="utf-8")

    def test_every_query_of_the_dashboard_has_data(self):
        queries = dashboard_queries()
        self.assertGreater(len(queries), 20)
        for title, query in queries:
            with self.subTest(title):
                self.assertNotIn("vector(", query, "would hide a wrong name")
                asked = query.replace("$job", JOB).replace("$__rate_interval", "10s")
                self.assertNotIn("$", asked)
                self.assertTrue(self.prometheus.query(asked), asked)

    def test_every_rule_is_evaluated_and_every_metric_in_it_is_served(self):
        def evaluated() -> list:
            groups = (self.prometheus.get("rules") or {"groups": []})["groups"]
            loaded = [rule for group in groups for rule in group["rules"]]
            return loaded if loaded and all(rule["health"] != "unknown" for rule in loaded) else []

        loaded = self.prometheus.wait(evaluated)
        self.assertEqual(len(loaded), len(all_rules()))
        for rule in loaded:
            self.assertEqual((rule["health"], rule.get("lastError", "")), ("ok", ""), rule["name"])
        served = set(self.prometheus.get("label/__name__/values")) | {rule.get("record") for rule in all_rules()}
        for rule in all_rules():
            # Without what is between quotes.
            names = set(NAME.findall(re.sub(r'"[^"]*"', "", rule["expr"])))
            self.assertTrue(names, rule)
            self.assertEqual(names - served, set(), rule.get("alert", rule.get("record")))

    def test_nothing_fires_but_what_the_calls_brought_about(self):
        firing = 'count by (alertname) (ALERTS{alertstate="firing"})'
        self.assertEqual([alert["metric"]["alertname"] for alert in self.prometheus.query(firing)],
                         ["PassfortGatewayCallersDenied"])


class ObjectiveTest(unittest.TestCase):
    """Which reasons count against the objective: the rules and the page agree, and every reason is on one side."""

    def test_the_page_names_the_reasons_that_the_rules_leave_out(self):
        table = (ROOT / "docs/errors.md").read_text(encoding="utf-8").partition("\n## What a caller gets\n")[2]
        reasons = set(re.findall(r"^\| `([A-Z_]+)` \| `", table, re.MULTILINE))
        self.assertGreater(len(reasons), 25)
        left_out = {tuple(re.findall(r'reason!~"([^"]+)"', rule["expr"]))
                    for rule in all_rules() if ":failures:" in rule.get("record", "")}
        self.assertEqual(len(left_out), 1, "the windows differ")
        [patterns] = left_out
        callers = {reason for reason in reasons if any(re.fullmatch(pattern, reason) for pattern in patterns)}

        page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
        objective = page.partition("**Objective**")[2].partition("\n\n")[0]
        named = set(re.findall(r"`([A-Z_]+)`", objective))
        self.assertIn("CALLER_", named)
        self.assertEqual(callers, {reason for reason in reasons if reason in named or reason.startswith("CALLER_")})
        self.assertEqual(named - {"CALLER_"} - reasons, set(), "no such reason")


    def test_the_rules_leave_out_the_methods_for_operators(self):
        proto = ROOT / "proto/passfort/gateway/operations/v1/operations_service.proto"
        methods = re.findall(r"^  rpc (\w+)\(", proto.read_text(encoding="utf-8"), re.MULTILINE)
        self.assertGreater(len(methods), 0)
        for rule in all_rules():
            if ":failures:" in rule.get("record", ""):
                [left_out] = re.findall(r'grpc_method!~"([^"]+)"', rule["expr"])
                self.assertCountEqual(left_out.split("|"), methods)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    MonitoringTest.programs = parser.parse_args().programs.resolve()
    if shutil.which("prometheus") is None:
        print("no Prometheus here: run ./dev deps test", file=sys.stderr)
        sys.exit(1 if "CI" in os.environ else SKIPPED)
    unittest.main(argv=sys.argv[:1])


main()
