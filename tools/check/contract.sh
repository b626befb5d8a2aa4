#!/usr/bin/env bash
# buf finds nothing in the contract: lint, format, and no change that breaks its users.
#
# Usage: tools/check/contract.sh
#
# A change is breaking if it breaks users of the last release: the nearest tag v* that leads here, or,
# before the first release, the first commit that has the contract. In a clone without history that is
# the commit itself, which proves nothing, and the check says so.
#
# Exit codes: 0 nothing found; 1 something found. `proto/node_modules/.bin/buf format -w proto` fixes
# the format.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly BUF=proto/node_modules/.bin/buf

reference() {
  git describe --tags --abbrev=0 --match 'v*' 2>/dev/null ||
    git log --reverse --format=%H -- proto/buf.yaml | sed -n 1p
}

check_breaking() {
  local reference folder result=0
  reference=$(reference)
  if [[ $(git rev-parse --is-shallow-repository) == true ]]; then
    echo "contract: a shallow clone: the breaking check compares with $reference only" >&2
  fi
  [[ -n $reference ]] || return 0 # not committed yet
  folder=$(mktemp -d)
  git archive "$reference" proto | tar --extract --directory "$folder"
  "$BUF" breaking proto --against "$folder/proto" || result=1
  rm -rf "$folder"
  return "$result"
}

result=0
"$BUF" lint proto || result=1
"$BUF" format proto -d --exit-code || result=1
check_breaking || result=1
exit "$result"
