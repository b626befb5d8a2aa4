#!/usr/bin/env bash
# Nothing in service/ is too large to be seen at a glance: a file has 350 lines at most, a folder 25 sources.
#
# Usage: tools/check/sizes.sh
# Exit codes: 0 yes; 1 no.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly MAX_LINES=350
readonly MAX_SOURCES=25

findings=0
while read -r lines path; do
  ((lines <= MAX_LINES)) || {
    echo "$path: $lines lines, $MAX_LINES at most"
    findings=1
  }
done < <(git ls-files -z 'service/*.cc' 'service/*.h' | xargs -0 wc -l | grep -v ' total$')
while read -r sources folder; do
  ((sources <= MAX_SOURCES)) || {
    echo "$folder: $sources sources, $MAX_SOURCES at most"
    findings=1
  }
done < <(git ls-files 'service/*.cc' | xargs -n1 dirname | sort | uniq -c)
exit "$findings"
