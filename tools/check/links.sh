#!/usr/bin/env bash
# Every link of a Markdown file to a file of the repository leads somewhere, and every path in it, like
# `docs/errors.md`, exists.
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

# Code spans (between backticks, \x60) that are one path below a folder of ours, without a glob;
# proto/node_modules is installed.
readonly PATH_SPAN=$'\x60(cmake|deploy|docs|examples|proto|service|tests|tools)/[A-Za-z0-9_./-]*\x60'
while IFS=: read -r path number span; do
  target=${span//$'\x60'/}
  if [[ ! -e $target && $target != proto/node_modules/* ]]; then
    echo "$path:$number: no such file: $target"
    findings=1
  fi
done < <(git grep -noE "$PATH_SPAN" -- '*.md')
exit "$findings"
