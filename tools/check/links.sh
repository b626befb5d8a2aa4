#!/usr/bin/env bash
# Every link of a Markdown file to a file of the repository leads somewhere.
#
# Usage: tools/check/links.sh
# Exit codes: 0 yes; 1 no.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
findings=0
# `](target)` and `](target "title")`; what has a scheme is not ours to check, nor is a heading.
while IFS=: read -r path number link; do
  target=${link#']('}
  target=${target%%[) #]*}
  case $target in
    '' | *:*) continue ;;
    /*) target=.$target ;;
    *) target=$(dirname "$path")/$target ;;
  esac
  if [[ ! -e $target ]]; then
    echo "$path:$number: no such file: $target"
    findings=1
  fi
done < <(git grep -noE '\]\([^)]*\)' -- '*.md')
exit "$findings"
