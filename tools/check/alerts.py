"""The rules of a PrometheusRule, for promtool, and what promtool does not ask of them.

Usage: alerts.py spec RULE               prints the spec of the file, which is what promtool reads
       alerts.py check RULE PAGE TEST... each alert has a severity and a section of PAGE, and a test in which it fires and
                                         one in which it does not

Prints what is wrong. Exit codes: 0 nothing is; 1 something is.
"""

import pathlib
import re
import sys

import yaml


def read(path: str) -> dict:
    return yaml.safe_load(pathlib.Path(path).read_text(encoding="utf-8"))


def anchors(page: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", pathlib.Path(page).read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check(rule: str, page: str, tests: list[str]) -> list[str]:
    fires: set[str] = set()
    is_quiet: set[str] = set()
    for path in tests:
        for test in read(path)["tests"]:
            moments = [{re.search(r'alertname="(\w+)"', sample["labels"])[1] for sample in asked["exp_samples"]}
                       for asked in test["promql_expr_test"]]
            fires.update(*moments)
            # With the series by which it fires at another moment.
            is_quiet.update(*(moment - other for moment in moments for other in moments))
    sections = anchors(page)
    findings = []
    for alert in (entry for group in read(rule)["spec"]["groups"] for entry in group["rules"] if "alert" in entry):
        name = alert["alert"]
        if alert.get("labels", {}).get("severity") not in ("critical", "warning"):
            findings.append(f"{rule}: {name}: want the severity critical or warning")
        where, _, section = alert["annotations"].get("runbook", "").partition("#")
        if where != page or section not in sections:
            findings.append(f"{rule}: {name}: no section of {page} is called '{section}'")
        if name not in fires or name not in is_quiet:
            findings.append(f"{rule}: {name}: want a test in which it fires, and a moment in it at which it does not")
    return findings


def main(arguments: list[str]) -> int:
    match arguments:
        case ["spec", rule]:
            yaml.safe_dump(read(rule)["spec"], sys.stdout)
            return 0
        case ["check", rule, page, *tests]:
            findings = check(rule, page, tests)
            print("\n".join(findings), end="\n" if findings else "")
            return 1 if findings else 0
    print(__doc__, file=sys.stderr)
    return 1


sys.exit(main(sys.argv[1:]))
