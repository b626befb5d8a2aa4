#!/usr/bin/env bash
# Each mutation that the history checker has to notice (tests/chaos/history/mutations.py) still finds its place in the
# code.
#
# Usage: tools/check/mutations.sh
# Exit codes: 0 yes; 1 no. `./dev chaos --mutations` tries them, which takes most of an hour.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
/usr/bin/python3 tests/chaos/history/mutations.py --fit
