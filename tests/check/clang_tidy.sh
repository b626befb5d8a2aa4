#!/usr/bin/env bash
# clang-tidy, with the checks of .clang-tidy, finds nothing in the C++ sources.
#
# Usage: tests/check/clang_tidy.sh
#
# Configures all that the presets build into build/check, and builds the generated headers there. A
# source that passed is not looked at again until it, a header, a .proto file, the checks or its
# compile command changes: build/check/clang_tidy/ remembers.
#
# Exit codes: 0 nothing found; 1 something found, or the project does not configure.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly DATABASE=build/check/compile_commands.json
readonly PASSED=build/check/clang_tidy

# The sources of ours that are built.
list_sources() {
  comm -12 \
    <(git ls-files 'service/*.cc' 'examples/*.cc' 'tests/*.cc' | sort) \
    <(sed -n "s|^ *\"file\": \"$PWD/\(.*\)\",\{0,1\}$|\1|p" "$DATABASE" | sort -u)
}

hash_of_shared_input() {
  {
    git ls-files -z '*.h' '*.proto' | xargs -0 cat .clang-tidy
    clang-tidy-19 --version
  } | sha256sum | cut -d' ' -f1
}

hash_of_source() {
  { echo "$SHARED_INPUT" && grep -F -- "-c $PWD/$1\"" "$DATABASE" && cat "$1"; } | sha256sum | cut -d' ' -f1
}

check_source() {
  local source=$1 mark output
  mark=$PASSED/$(hash_of_source "$source")
  [[ ! -e $mark ]] || return 0
  if output=$(clang-tidy-19 --quiet -p build/check "$source" 2>/dev/null); then
    touch "$mark"
  else
    printf '%s: clang-tidy:\n%s\n' "$source" "$output"
    return 1
  fi
}

main() {
  local log=build/check/configure.log
  mkdir -p "$PASSED"
  {
    cmake --preset dev -B build/check -D GATEWAY_BENCHMARKS=ON &&
      cmake --build build/check --target gateway_proto gateway_rpc_details gateway_health_proto
  } >"$log" 2>&1 || {
    tail -n 30 "$log"
    exit 1
  }
  SHARED_INPUT=$(hash_of_shared_input)
  export SHARED_INPUT
  list_sources | xargs -r -d '\n' -n 1 -P "$(nproc)" "${BASH_SOURCE[0]}" --source
}

if [[ ${1-} == --source ]]; then
  check_source "$2"
else
  main
fi
