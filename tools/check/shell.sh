#!/usr/bin/env bash
# Nothing in the shell scripts that shellcheck or shfmt would find.
#
# Usage: tools/check/shell.sh
# Exit codes: 0 nothing found; 1 something found. `shfmt -i 2 -ci -w FILE` fixes the format.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# By their first line, since the ones that are typed by hand have no .sh in their names.
mapfile -t scripts < <(git grep -lE '^#!/usr/bin/env bash$')
result=0
shellcheck "${scripts[@]}" || result=1
shfmt -d -i 2 -ci "${scripts[@]}" || result=1
exit "$result"
