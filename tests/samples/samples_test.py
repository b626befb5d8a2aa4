"""Every sample that a reader would copy does what the documents show, and what they list is there.

Usage: samples_test.py --programs FOLDER [--page PAGE...]

Runs the samples of each Markdown page of the repository (samples.py says what a sample is), and the
calls that `./dev run` prints, before a gateway and a fake-passfort of FOLDER: fresh ones for each
page. In a command and its output, the addresses of the documents stand for those of the two, and
build/*/bin for FOLDER.

`grpcurl` is the machine's; where there is none, `buf curl` does the same. Without both, samples with
it are left out and named, but where the variable CI is set that is a failure.

Exit codes: 0 all samples hold; 1 one does not; 2 wrong usage.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from samples import Matcher, Sample, SampleError, read_samples
from tour import SHOWN_FAKE, SHOWN_GATEWAY, Tour, make_certificates

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUF = ROOT / "proto/node_modules/.bin/buf"
PROFILE = "7a9c1c80-5d0f-4f6c-9d0e-2b8c6f1e3a54"


def pages() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True,
                            text=True).stdout.split()
    return [page for page in listed if (ROOT / page).exists()]


def commands_of_dev() -> set[str]:
    text = subprocess.run(["./dev", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"^  ([a-z]+)\b", text, re.MULTILINE))


def calls_of_dev_run(*certificates: str) -> list[Sample]:
    """The calls that `./dev run` prints for its reader, one a line, indented."""
    script = 'source tools/run.sh; print_calls_to_try build/release/bin "$1" "$2" forexo_basic "${@:3}"'
    if certificates:
        script += '; print_limited_calls_to_try build/release/bin "$@"'
    text = subprocess.run(["bash", "-c", script, "bash", SHOWN_GATEWAY, PROFILE, *certificates], cwd=ROOT,
                          check=True, capture_output=True, text=True).stdout
    samples = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("  "):
            # `# ... NAME: VALUE` at the end says what is among the output; `# again` is said of a second call.
            said = re.search(r"# .*?([\w-]+: \w+)$", line)
            calls = [line.strip()] * (2 if "# again" in line else 1)
            samples.append(Sample("./dev run", number, "\n".join(calls), [said[1]] if said else []))
    return samples


class SamplesTest(unittest.TestCase):
    programs: pathlib.Path
    wanted: list[str]

    def run_samples(self, samples: list[Sample], check, prepare=lambda sample: sample,
                    certificates: pathlib.Path | None = None) -> None:
        """Calls check(sample, printed) for each of the samples, run as `prepare` makes them. The gateway serves TLS
        if there are certificates."""
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            tour = Tour(self.programs, folder, stack, certificates)
            for sample in samples:
                if "grpcurl" in sample.command and not (shutil.which("grpcurl") or BUF.exists()):
                    if "CI" in os.environ:
                        self.fail(f"{sample.place()}: neither grpcurl nor buf: run ./dev deps")
                    print(f"{sample.place()}: left out: neither grpcurl nor buf here", file=sys.stderr)
                    continue
                check(sample, tour.run(prepare(sample)))

    def test_every_sample_of_a_page_shows_what_its_command_prints(self):
        ran = 0
        # run_tour.py runs the tour.
        for page in self.wanted or [page for page in pages() if page != "docs/tour.md"]:
            with self.subTest(page):
                samples = read_samples(page, (ROOT / page).read_text(encoding="utf-8"))
                if not samples:
                    continue
                ran += len(samples)
                matcher = Matcher(samples)
                self.run_samples(samples, matcher.check, matcher.with_known_ids)
        self.assertGreater(ran, 0, "no sample in the pages")

    def test_the_calls_that_dev_run_prints_end_as_it_says(self):
        calls = calls_of_dev_run()
        self.assertGreater(len(calls), 3)

        def check(sample: Sample, printed: str) -> None:
            for line in sample.shown:
                self.assertIn(line, printed, sample.command)

        self.run_samples(calls, check)

    def test_the_calls_that_dev_run_with_tls_prints_end_as_it_says(self):
        certificates = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "certificates"
        make_certificates(certificates)
        calls = calls_of_dev_run(str(certificates))
        self.assertEqual(len(calls), len(calls_of_dev_run()) + 2)

        def check(sample: Sample, printed: str) -> None:
            self.assertRegex(sample.command, rf"{certificates}/(caller|trial)\.key")
            for line in sample.shown:
                self.assertIn(line, printed, sample.command)

        self.run_samples(calls, check, certificates=certificates)

    def test_dev_run_once_prints_the_application_and_nothing_else_and_leaves_nothing_behind(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        binaries = folder / "build/release/bin"
        binaries.parent.mkdir(parents=True)
        binaries.symlink_to(self.programs)
        temporary = folder / "tmp"
        temporary.mkdir()
        # Everything but the installation and the build, whose result is there.
        script = ("set -euo pipefail; source tools/common.sh; source tools/run.sh; command_deps() { :; }; "
                  'build() { :; }; REPOSITORY=$1; shift; command_run "$@"')
        for options in ([], ["--tls"]):
            with self.subTest(options):
                ended = subprocess.run(
                    ["bash", "-c", script, "bash", str(folder), "--once", *options], cwd=ROOT, check=False,
                    env=os.environ | {"TMPDIR": str(temporary)}, stdin=subprocess.DEVNULL, capture_output=True,
                    text=True)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertEqual(json.loads(ended.stdout)["product"]["alias"], "forexo_basic")
                self.assertEqual("spiffe://demo.example/" in ended.stderr, bool(options))
                self.assertEqual(list(temporary.iterdir()), [])

    def test_the_examples_want_all_of_their_certificates(self):
        for program in ("add_product_application", "create_profile"):
            for flags in (["--cert_file=/dev/null"], ["--cert_file=/dev/null", "--key_file=/dev/null"],
                          ["--ca_file=/nowhere"]):
                data = ["--role=PROFILE_ROLE_INDIVIDUAL_CUSTOMER", "--data=examples/person.json"]
                ended = subprocess.run(
                    [str(self.programs / program), *flags, *(data if program == "create_profile" else [])], cwd=ROOT,
                    check=False, capture_output=True, text=True)
                self.assertEqual(ended.returncode, 3, ended.stderr)
                self.assertRegex(ended.stderr, "need --ca_file|/nowhere cannot be read")

    def test_the_usage_at_the_head_of_every_example_works(self):
        samples = []
        for path in sorted((ROOT / "examples").glob("*.cc")):
            text = path.read_text(encoding="utf-8")
            if "int main(" not in text:
                continue
            usage = re.search(r"^//   (\w+ .*\n(?://       .*\n)*)", text, re.MULTILINE)
            self.assertIsNotNone(usage, path)
            command = " ".join(usage[1].replace("//", "").split())
            samples.append(Sample(f"examples/{path.name}", 1, f"build/release/bin/{command}"))
        self.assertEqual(len(samples), 2)
        self.run_samples(samples, lambda sample, printed: self.assertIn('"id"', printed))

    def test_a_profile_of_the_example_is_created_once_and_a_lost_one_is_left_to_a_person(self):
        create = ("build/release/bin/create_profile --role=PROFILE_ROLE_INDIVIDUAL_CUSTOMER "
                  f"--target={SHOWN_GATEWAY} --data=examples/person.json --product_aliases=forexo_basic")
        lose = ("curl -s -d '{\"endpoint\": \"profile_create\", \"send\": \"nothing\", \"then\": \"reset\"}' "
                f"http://{SHOWN_FAKE}/control/faults")
        count = f"curl -s http://{SHOWN_FAKE}/control/state"
        commands = [f"{create} --request_id=made", f"{create} --request_id=made", lose,
                    f"{create} --request_id=lost", f"{create} --request_id=lost", count]
        printed: list[str] = []
        self.run_samples([Sample("create_profile", number, command, ["..."]) for number, command in enumerate(commands)],
                         lambda sample, output: printed.append(output))
        first, again, _, lost, still_lost, counted = printed
        self.assertTrue(first.startswith("{"), first)
        self.assertIn('"display_name": "Ada Okafor"', first)
        ids = re.compile(r'^ "id": "([^"]+)"', re.MULTILINE)
        self.assertEqual(ids.findall(again), ids.findall(first))
        self.assertTrue(again.startswith("gateway-replayed: true\n"), again)
        for unknown in (lost, still_lost):
            self.assertIn("reason: OUTCOME_UNKNOWN\n", unknown)
            self.assertIn("a person looks for the profile in Passfort's portal", unknown)
        self.assertIn('"profile_create":2', counted)

    def test_the_fault_in_the_help_of_the_fake_does_what_the_help_says(self):
        text = subprocess.run([str(self.programs / "fake-passfort"), "--help"], check=True,
                              capture_output=True, text=True).stdout
        # `curl -d '...' \\` and its address on the next line.
        [curl] = re.findall(r"^  (curl .*\\\n.*/control/faults)$", text, re.MULTILINE)
        fault = Sample("fake-passfort --help", 1, curl.replace("127.0.0.1:PORT", SHOWN_FAKE))
        call = Sample("fake-passfort --help", 2,
                      f"build/release/bin/add_product_application --target={SHOWN_GATEWAY} "
                      f"--profile_id={PROFILE} --product_alias=forexo_basic", ["..."])
        printed = {}
        self.run_samples([fault, call], lambda sample, output: printed.update({sample.line: output}))
        self.assertIn("http_status: 502", printed[2])


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


class DocumentsTest(unittest.TestCase):
    """What pages say of the program outside of samples, where nothing else compares the two."""

    def test_every_command_of_dev_in_the_documents_exists(self):
        known = commands_of_dev()
        for page in pages():
            for name in re.findall(r"\./dev ([a-z]+)", read(page)):
                self.assertIn(name, known, f"{page}: ./dev {name}")

    def test_the_readme_has_the_defaults_of_the_settings_page(self):
        # | `name` | ... | `default` | meaning |, which the settings page gets from the program.
        row = re.compile(r"^\| `(\w+)` \|[^|]*\| ([^|]*) \|", re.MULTILINE)
        defaults = dict(row.findall(read("docs/settings.md")))
        section = read("README.md").partition("\n## Settings\n")[2].partition("\n## ")[0]
        shown = dict(row.findall(section))
        self.assertGreater(len(shown), 9)
        for name, default in shown.items():
            default = "none" if default == "–" else default.strip("`")
            self.assertEqual(default, defaults[name].strip("`"), name)

    def test_the_operations_page_names_every_metric(self):
        metric = re.compile(r'"((?:grpc_server|passfort_gateway)_\w+|passfort_\w+_(?:total|seconds|open))"')
        sources = [path.read_text(encoding="utf-8") for path in (ROOT / "service").rglob("*.cc")]
        metrics = set(metric.findall("\n".join(sources)))
        self.assertGreater(len(metrics), 15)
        documented = set(re.findall(r"\b(?:grpc_server|passfort)_\w+", read("docs/operations.md")))
        self.assertEqual(metrics - documented, set())

    def test_the_service_config_bounds_every_unary_method_and_lets_clients_repeat_none(self):
        declared = set()
        for path in (ROOT / "proto/passfort/gateway/v1").glob("*_service.proto"):
            text = path.read_text(encoding="utf-8")
            [service] = re.findall(r"^service (\w+) {", text, re.MULTILINE)
            methods = re.findall(r"^  rpc (\w+)\(\w+\) returns \(\w+\)", text, re.MULTILINE)
            declared |= {(f"passfort.gateway.v1.{service}", method) for method in methods}
        self.assertIn(("passfort.gateway.v1.ProfileService", "GetProfile"), declared)

        config = json.loads(read("proto/passfort/gateway/v1/service_config.json"))
        bounded = [(name["service"], name["method"])
                   for entry in config["methodConfig"] if "timeout" in entry for name in entry["name"]]
        self.assertCountEqual(bounded, declared)
        # A write could be executed twice, and the gateway repeats a read itself.
        for entry in config["methodConfig"]:
            self.assertEqual(entry.keys() & {"retryPolicy", "hedgingPolicy"}, set())
        self.assertIn(config["healthCheckConfig"]["serviceName"], {service for service, _ in declared})


FIRST, SECOND, THIRD = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "123")


class MatcherTest(unittest.TestCase):
    """What the comparison notices: a test of samples that never fails would say nothing."""

    def check(self, shown: str, printed: str, command: str = "call") -> None:
        samples = read_samples("page.md", f"```console\n$ {command}\n{shown}\n```\n")
        Matcher(samples).check(samples[0], printed)

    def test_passes_what_is_printed_as_shown(self):
        self.check("code 3: invalid\nreason: X", "code 3: invalid\nreason: X\n")

    def test_notices_a_changed_word(self):
        with self.assertRaises(SampleError):
            self.check("reason: X", "reason: Y\n")

    def test_notices_a_line_that_the_page_lacks(self):
        with self.assertRaises(SampleError):
            self.check("reason: X", "reason: X\n  scope: CALL\n")

    def test_dots_stand_for_lines_but_not_for_the_lines_around(self):
        self.check("{\n...\n}", "{\n 1\n 2\n}\n")
        with self.assertRaises(SampleError):
            self.check("{\n...\n]", "{\n 1\n}\n")

    def test_any_time_will_do_and_nothing_else_in_its_place(self):
        self.check("at 2026-01-01T00:00:00Z.", "at 2027-02-03T04:05:06.789Z.\n")
        with self.assertRaises(SampleError):
            self.check("at 2026-01-01T00:00:00Z.", "at noon.\n")

    def test_an_id_is_another_one_but_the_same_all_over(self):
        self.check(f"{FIRST} {FIRST}", f"{SECOND} {SECOND}\n")
        with self.assertRaises(SampleError):
            self.check(f"{FIRST} {FIRST}", f"{SECOND} {THIRD}\n")
        with self.assertRaises(SampleError):
            self.check(f"{FIRST} {SECOND}", f"{THIRD} {THIRD}\n")

    def test_an_id_of_a_command_is_that_one(self):
        with self.assertRaises(SampleError):
            self.check(FIRST, f"{SECOND}\n", command=f"call {FIRST}")

    def test_a_retry_that_shows_the_first_id_has_to_get_it(self):
        samples = read_samples("page.md", f"```console\n$ call\n{FIRST}\n$ call\n{FIRST}\n```\n")
        matcher = Matcher(samples)
        matcher.check(samples[0], f"{SECOND}\n")
        with self.assertRaises(SampleError):
            matcher.check(samples[1], f"{THIRD}\n")

    def test_an_id_that_was_shown_is_in_later_commands_as_it_came(self):
        samples = read_samples("page.md", f"```console\n$ call\n{FIRST}\n$ call {FIRST} {THIRD}\n{FIRST}\n```\n")
        matcher = Matcher(samples)
        matcher.check(samples[0], f"{SECOND}\n")
        self.assertEqual(matcher.with_known_ids(samples[1]).command, f"call {SECOND} {THIRD}")
        matcher.check(samples[1], f"{SECOND}\n")

    def test_a_command_may_span_lines(self):
        text = "```console\n$ call -d '{\n  1}' \\\n    there\nprinted\n```\n"
        [sample] = read_samples("page.md", text)
        self.assertEqual(sample.command, "call -d '{\n  1}' \\\n    there")
        self.assertEqual(sample.shown, ["printed"])

    def test_a_command_in_a_block_that_is_not_tested_is_noticed(self):
        with self.assertRaises(SampleError):
            read_samples("page.md", "```\n$ call\n```\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--page", action="append", default=[])
    arguments = parser.parse_args()
    SamplesTest.programs = arguments.programs.resolve()
    SamplesTest.wanted = arguments.page
    unittest.main(argv=sys.argv[:1])


main()
