"""The Python example says of every end of a call what it means for the caller.

Usage: python_client_test.py --programs FOLDER

Runs examples/python/gateway_client.py before a gateway and a fake-passfort of FOLDER.

Exit codes: 0 it does; 1 it does not; 2 wrong usage.
"""

import argparse
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from samples import Sample
from tour import ROOT, SHOWN_FAKE, SHOWN_GATEWAY, Tour, make_certificates

CLIENT = "examples/python/gateway_client.py"
PROFILE = "7a9c1c80-5d0f-4f6c-9d0e-2b8c6f1e3a54"


class PythonClientTest(unittest.TestCase):
    programs: pathlib.Path

    @classmethod
    def setUpClass(cls):
        # A folder of its own: the samples of the documents, which run beside it, write to the usual one.
        cls.stubs = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        subprocess.run([ROOT / "examples/python/generate_stubs.sh", cls.stubs], check=True)

    def setUp(self):
        # Another gateway for each: what one test brings about, a rate limit for example, holds back the next.
        processes = contextlib.ExitStack()
        self.addCleanup(processes.close)
        folder = pathlib.Path(processes.enter_context(tempfile.TemporaryDirectory()))
        self.tour = Tour(self.programs, folder, processes)

    def run_command(self, command: str) -> tuple[int, str]:
        """The exit code, and what was printed."""
        printed = self.tour.run(Sample("test", 0, f'export PYTHONPATH={self.stubs}; {command}; echo "exit code $?"'))
        output, code = re.fullmatch(r"(?s)(.*?)exit code (\d+)\n", printed).groups()
        return int(code), output

    def read(self, command: str, *options: str, target: str = SHOWN_GATEWAY) -> tuple[int, str]:
        return self.run_command(f"{CLIENT} {command} --target={target} --profile-id={PROFILE} {' '.join(options)}")

    def add(self, *options: str, target: str = SHOWN_GATEWAY, profile: str = PROFILE) -> tuple[int, str]:
        return self.run_command(f"{CLIENT} add --target={target} --profile-id={profile} "
                                f"--product-alias=forexo_basic {' '.join(options)}")

    def create(self, *options: str, target: str = SHOWN_GATEWAY) -> tuple[int, str]:
        return self.run_command(f"{CLIENT} create --target={target} --role=INDIVIDUAL_CUSTOMER "
                                f"--data=examples/person.json --product-alias=forexo_basic {' '.join(options)}")

    def counts(self) -> dict:
        return json.loads(self.run_command(f"curl -s http://{SHOWN_FAKE}/control/state")[1])["counts"]

    def script(self, fault: dict) -> None:
        self.run_command(f"curl -s -d '{json.dumps(fault)}' http://{SHOWN_FAKE}/control/faults")

    def test_the_usage_at_its_head_works(self):
        usages = re.findall(r"^  (examples/.*\n(?:      .*\n)*)", (ROOT / CLIENT).read_text(encoding="utf-8"),
                            re.MULTILINE)
        self.assertEqual([usage.split()[1] for usage in usages], ["create", "add"])
        for usage in usages:
            code, printed = self.run_command(" ".join(usage.split()))
            self.assertEqual(code, 0, printed)
            self.assertIn('"alias": "forexo_basic"', printed)

    def test_a_profile_is_created_looked_at_and_the_same_under_its_request_id(self):
        code, printed = self.create("--request-id=new-customer")
        self.assertEqual(code, 0, printed)
        created = json.loads(printed)
        self.assertEqual(created["display_name"], "Ada Okafor")
        [application] = created["product_applications"]
        code, printed = self.run_command(f"{CLIENT} get --target={SHOWN_GATEWAY} --profile-id={created['id']} "
                                         f"--application-id={application['id']}")
        self.assertEqual(code, 0, printed)
        self.assertEqual(json.loads(printed)["id"], application["id"])

        code, printed = self.create("--request-id=new-customer")
        self.assertEqual(code, 0, printed)
        said, _, again = printed.partition("\n")
        self.assertEqual(said, "gateway-replayed: true")
        self.assertEqual(json.loads(again)["id"], created["id"])
        self.assertEqual([it["id"] for it in json.loads(again)["product_applications"]], [application["id"]])
        self.assertEqual(self.counts()["profiles_created"], 1)

    def test_a_profile_whose_response_was_lost_stays_unknown_and_a_person_looks(self):
        self.script({"endpoint": "profile_create", "send": "nothing", "then": "reset"})
        for _ in range(2):
            code, printed = self.create("--request-id=lost")
            self.assertEqual(code, 2, printed)
            self.assertIn("reason: OUTCOME_UNKNOWN\n", printed)
            self.assertRegex(printed, r"a person looks for the profile in Passfort's portal, not before 20\S+Z; if it "
                                      r"is not there, create it under another request_id\.")
        counts = self.counts()
        self.assertEqual((counts["profiles_created"], counts["by_endpoint"]["profile_create"]), (1, 1))

    def test_nobody_who_leaves_early_is_sent_to_the_portal(self):
        self.script({"endpoint": "profile_create", "answer_after": "3s"})
        code, printed = self.create("--request-id=early", "--timeout=1.5")
        self.assertEqual(code, 2, printed)
        self.assertIn("retry with the same request_id, which is always safe.", printed)
        self.assertNotIn("portal", printed)

    def test_a_lost_profile_without_a_request_id_is_not_safe_to_retry(self):
        self.script({"endpoint": "profile_create", "send": "nothing", "then": "reset"})
        code, printed = self.create()
        self.assertEqual(code, 2, printed)
        self.assertIn("look for the profile in Passfort's portal before you retry.", printed)

    def test_a_profile_that_passfort_refuses_for_now_is_safe_to_retry(self):
        self.script({"endpoint": "profile_create", "carry_out": "never",
                     "answer": {"status": 429, "headers": {"X-RateLimit-Retry-Secs": "60"}}})
        code, printed = self.create("--request-id=limited", "--timeout=20")
        self.assertEqual(code, 1, printed)
        self.assertIn("reason: RATE_LIMITED\n", printed)
        self.assertRegex(printed, r"Nothing was executed\. It is safe to retry in [\d.]+ s or later\.")

    def test_what_is_no_data_is_refused_without_being_shown(self):
        code, printed = self.run_command(f"echo '{{\"name\": \"Ada' | {CLIENT} create --target={SHOWN_GATEWAY} "
                                         "--role=INDIVIDUAL_CUSTOMER --data=-")
        self.assertEqual(code, 3, printed)
        self.assertIn("- is no file with a JSON object", printed)
        self.assertNotIn("Ada", printed)

    def test_a_repeated_request_id_returns_the_application_of_the_first_call(self):
        code, first = self.add("--request-id=repeated")
        self.assertEqual(code, 0, first)
        code, second = self.add("--request-id=repeated")
        self.assertEqual(code, 0, second)
        said, _, application = second.partition("\n")
        self.assertEqual(said, "gateway-replayed: true")
        self.assertEqual(json.loads(application)["id"], json.loads(first)["id"])

    def test_a_wrong_request_was_not_executed_and_a_retry_does_not_help(self):
        code, printed = self.add(profile="x")
        self.assertEqual(code, 1, printed)
        self.assertIn("reason: INVALID_REQUEST\n", printed)
        self.assertIn("  profile_id: must be a UUID", printed)
        self.assertIn("Nothing was executed. A retry would end the same way.", printed)

    def test_an_error_decided_before_the_record_says_nothing_of_earlier_calls(self):
        code, printed = self.add("--request-id=earlier", profile="x")
        self.assertEqual(code, 1, printed)
        self.assertIn("an earlier one with the same request_id may have", printed)

    def test_a_refusal_that_is_safe_to_retry_says_when(self):
        self.script({"endpoint": "add", "carry_out": "never",
                     "answer": {"status": 429, "headers": {"X-RateLimit-Retry-Secs": "60"}}})
        code, printed = self.add("--timeout=20")
        self.assertEqual(code, 1, printed)
        self.assertIn("reason: RATE_LIMITED\n", printed)
        self.assertRegex(printed, r"Nothing was executed\. It is safe to retry in [\d.]+ s or later\.")

    def test_a_lost_response_without_a_request_id_is_not_safe_to_retry(self):
        self.script({"endpoint": "add", "send": "nothing", "then": "reset"})
        code, printed = self.add()
        self.assertEqual(code, 2, printed)
        self.assertIn("reason: OUTCOME_UNKNOWN\n", printed)
        self.assertIn("look at the profile before you retry", printed)

    def test_a_lost_response_with_a_request_id_is_found_again(self):
        self.script({"endpoint": "add", "send": "nothing", "then": "reset"})
        code, printed = self.add("--request-id=lost")
        self.assertEqual(code, 0, printed)
        self.assertIn("gateway-outcome: reconciled\n", printed)

    def test_an_error_that_is_not_the_gateways_leaves_everything_unknown(self):
        code, printed = self.add("--request-id=unreachable", "--timeout=5", target=f"unix:{self.stubs}/nobody")
        self.assertEqual(code, 2, printed)
        self.assertIn("reason: none\n", printed)
        self.assertIn("This error did not come from the gateway.", printed)
        self.assertIn("retry with the same request_id, which is always safe", printed)

    def test_what_was_added_is_read_in_three_ways(self):
        added = json.loads(self.add()[1])
        code, printed = self.read("get", f"--application-id={added['id']}")
        self.assertEqual(code, 0, printed)
        self.assertEqual(json.loads(printed)["id"], added["id"])
        code, printed = self.read("list", "--include-hidden")
        self.assertEqual(code, 0, printed)
        self.assertEqual([it["id"] for it in json.loads(printed)["product_applications"]], [added["id"]])
        code, printed = self.read("profile")
        self.assertEqual(code, 0, printed)
        self.assertEqual(json.loads(printed)["id"], PROFILE)
        self.assertEqual([it["id"] for it in json.loads(printed)["product_applications"]], [added["id"]])

    def test_a_read_that_passfort_refuses_for_now_is_safe_to_retry(self):
        self.script({"endpoint": "profile_get", "carry_out": "never",
                     "answer": {"status": 429, "headers": {"X-RateLimit-Retry-Secs": "60"}}})
        code, printed = self.read("profile", "--timeout=20")
        self.assertEqual(code, 1, printed)
        self.assertIn("reason: RATE_LIMITED\n", printed)
        self.assertRegex(printed, r"Nothing was executed\. It is safe to retry in [\d.]+ s or later\.")

    def test_a_read_that_takes_too_long_wants_a_longer_timeout(self):
        self.script({"endpoint": "list", "times": "always", "send": "nothing", "then": "hang"})
        code, printed = self.read("list", "--timeout=1")
        self.assertEqual(code, 1, printed)
        self.assertRegex(printed, r"reason: (READ_UNANSWERED|none)\n")
        self.assertIn("Nothing was executed. It is safe to retry with a longer --timeout.", printed)

    def test_a_read_that_did_not_reach_the_gateway_executed_nothing_either(self):
        code, printed = self.read("profile", "--timeout=5", target=f"unix:{self.stubs}/nobody")
        self.assertEqual(code, 1, printed)
        self.assertIn("This error did not come from the gateway. Nothing was executed. It is safe to retry.", printed)

    def test_wrong_usage_has_an_exit_code_of_its_own(self):
        for options in ("add", "add --profile-id=x --associated-role=KING", "create --role=KING --data=/dev/null",
                        "subtract", ""):
            code, printed = self.run_command(f"{CLIENT} {options}")
            self.assertEqual(code, 3, printed)

    def test_it_calls_over_tls_with_a_certificate(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        certificates = folder / "certificates"
        make_certificates(certificates)
        self.tour = Tour(self.programs, folder, self.enterContext(contextlib.ExitStack()), certificates)
        code, printed = self.add(f"--ca-file={certificates}/ca.crt", f"--cert-file={certificates}/caller.crt",
                                 f"--key-file={certificates}/caller.key")
        self.assertEqual(code, 0, printed)
        code, printed = self.add(f"--ca_file={certificates}/ca.crt", "--timeout=2")
        self.assertEqual(code, 2, printed)
        self.assertIn("This error did not come from the gateway.", printed)

    def test_it_wants_all_of_its_certificates(self):
        for options in ("--cert-file=/dev/null", "--cert-file=/dev/null --key-file=/dev/null",
                        "--ca-file=/nowhere"):
            code, printed = self.add(options)
            self.assertEqual(code, 3, printed)

    def test_it_says_how_to_make_the_classes_that_it_needs(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "examples/python/gateway_client.py"
            copy.parent.mkdir(parents=True)
            copy.write_bytes((ROOT / CLIENT).read_bytes())
            ended = subprocess.run(["/usr/bin/python3", copy], capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("run examples/python/generate_stubs.sh first", ended.stderr)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    PythonClientTest.programs = parser.parse_args().programs.resolve()
    unittest.main(argv=sys.argv[:1])


main()
