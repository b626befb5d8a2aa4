#!/usr/bin/env bash
# clang-tidy, with the checks of .clang-tidy, finds nothing in the C++ sources.
#
# Usage: tools/check/clang_tidy.sh
#
# With CI=true the sources under tests/ are left out: from nothing they take ten minutes, most of it in the
# headers of GoogleTest. Before a change is handed in they are looked at without it.
#
# Configures all that the presets build into build/check, and builds the generated headers there. A
# source that passed is not looked at again, in this checkout or another one, until something changes
# that its verdict rests on (clang_tidy_inputs.py). The marks of those that passed lie in
# ${XDG_CACHE_HOME:-~/.cache}/passfort-gateway/clang_tidy; marks of a month ago are deleted.
#
# Exit codes: 0 nothing found; 1 something found, or the project does not configure.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly DATABASE=build/check/compile_commands.json
readonly PASSED=${XDG_CACHE_HOME:-${HOME:?}/.cache}/passfort-gateway/clang_tidy

# check_source HASH SOURCE
check_source() {
  local mark=$PASSED/$1 source=$2 output
  if output=$(clang-tidy-19 --quiet -p build/check "$source" 2>/dev/null); then
    touch "$mark"
  else
    printf '%s: clang-tidy:\n%s\n' "$source" "$output"
    return 1
  fi
}

# Reads lines of HASH SOURCE, and prints those that are to be looked at.
wanted() {
  if [[ ${CI-} == true ]]; then
    grep -v ' tests/'
  else
    cat
  fi
}

# Reads lines of HASH SOURCE, and prints those that have no mark.
without_mark() {
  local hash source
  while read -r hash source; do
    if [[ -e $PASSED/$hash ]]; then
      touch "$PASSED/$hash"
    else
      echo "$hash $source"
    fi
  done
}

main() {
  local log=build/check/configure.log
  mkdir -p build/check "$PASSED"
  find "$PASSED" -type f -mtime +30 -delete
  {
    cmake --preset dev -B build/check -D GATEWAY_BENCHMARKS=ON -D GATEWAY_PRECOMPILED_HEADERS=OFF &&
      cmake --build build/check --target gateway_proto gateway_rpc_details gateway_health_proto echo_service_proto
  } >"$log" 2>&1 || {
    tail -n 30 "$log"
    exit 1
  }
  # The system's Python: another one may come first in PATH without being able to run it.
  /usr/bin/python3 tools/check/clang_tidy_inputs.py "$DATABASE" | wanted | without_mark |
    xargs -r -L 1 -P "$(nproc)" "${BASH_SOURCE[0]}" --source
}

if [[ ${1-} == --source ]]; then
  check_source "$2" "$3"
else
  main
fi
