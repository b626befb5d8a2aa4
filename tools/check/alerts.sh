#!/usr/bin/env bash
# The alerts are rules that Prometheus reads, fire when they should and not otherwise (tests/monitoring), and lead to a section
# of docs/operations.md.
#
# Usage: tools/check/alerts.sh
# Exit codes: 0 yes; 1 no.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly RULE=deploy/components/monitoring/prometheus-rule.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

result=0
/usr/bin/python3 -B tools/check/alerts.py check "$RULE" docs/operations.md tests/monitoring/*_test.yaml || result=1
# One source: the tests read the rules from the manifest.
/usr/bin/python3 -B tools/check/alerts.py spec "$RULE" >"$work/rules.yaml"
cp tests/monitoring/*_test.yaml "$work"
for command in "check rules $work/rules.yaml" "test rules $work/*_test.yaml"; do
  # Unquoted: words and a glob.
  # shellcheck disable=SC2086
  promtool $command >"$work/promtool.log" 2>&1 || {
    grep -v '^ *$' "$work/promtool.log"
    result=1
  }
done
exit "$result"
