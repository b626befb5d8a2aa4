#!/usr/bin/env bash
# ./dev chaos, soak, fuzz, bench: what runs for as long as one likes. Sourced by ./dev.

command_chaos() {
  command_deps test
  if [[ ${1-} == --mutations ]]; then
    shift
    # The system's Python: another one may come first in PATH without being able to run it.
    /usr/bin/python3 "$REPOSITORY/tests/chaos/history/mutations.py" "$@"
    return
  fi
  build dev history_checker
  "$REPOSITORY/build/dev/bin/history_checker" "$@"
}

command_soak() {
  local preset=soak arguments=()
  while (($# > 0)); do
    case $1 in
      --minutes | --seed)
        [[ ${2-} =~ ^[0-9.]*[1-9][0-9.]*$ ]] || usage_error "soak: $1 needs a number above 0"
        arguments+=("$1" "$2")
        ;;
      --preset)
        [[ ${2-} == soak || ${2-} == asan ]] || usage_error "soak: --preset soak or asan?"
        preset=$2
        ;;
      *) usage_error "soak: unknown argument '$1'" ;;
    esac
    shift 2
  done
  command_deps test
  set_sanitizer_options
  build "$preset" soak
  say "soak"
  # In this script's place, so that signals reach it: it ends with a report then.
  exec "$REPOSITORY/build/$preset/bin/soak" "${arguments[@]}"
}

command_fuzz() {
  local seconds=${1-60}
  [[ $seconds =~ ^[1-9][0-9]*$ ]] || usage_error "fuzz: for how many seconds?"
  command_deps test
  build fuzz
  local target name found=0 failed=()
  for target in "$REPOSITORY"/build/fuzz/bin/*_fuzzer; do
    [[ -x $target ]] || continue
    found=1
    name=$(basename "$target" _fuzzer)
    # libFuzzer writes new inputs into the first folder only; the committed corpus stays as it is.
    local corpus=$REPOSITORY/tests/fuzz/corpus/$name finds=$REPOSITORY/build/fuzz/finds/$name
    mkdir -p "$finds"
    stage "fuzz $name" "$target" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
      -artifact_prefix="$finds/" "$finds" "$corpus" || failed+=("$name")
  done
  ((found)) || fail "no fuzz target in build/fuzz/bin"
  ((${#failed[@]} == 0)) || fail "fuzz targets that failed: ${failed[*]} (inputs in build/fuzz/finds)"
}

command_bench() {
  command_deps bench
  build benchmark
  say "benchmark"
  # The system's Python: another one may come first in PATH without being able to run it.
  /usr/bin/python3 "$REPOSITORY/tests/benchmark/run.py" "$@"
}
