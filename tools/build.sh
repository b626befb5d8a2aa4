#!/usr/bin/env bash
# ./dev build, test, attack, sanitize: builds a preset, and runs its tests. Sourced by ./dev.

# As many compilers as there are processors, but no more than memory allows: one needs up to 1.5 GiB.
build_jobs() {
  local available_kib jobs
  available_kib=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
  jobs=$((available_kib / (1536 * 1024)))
  ((jobs < $(nproc))) || jobs=$(nproc)
  echo $((jobs > 0 ? jobs : 1))
}

# build PRESET [TARGET...]: its output is progress.
build() {
  local preset=$1
  shift
  stage "configure $preset" cmake --preset "$preset" --log-level=NOTICE >&2
  local targets=(${1:+--target "$@"})
  stage "build $preset" cmake --build --preset "$preset" --parallel "$(build_jobs)" "${targets[@]}" >&2
}

# The options of programs with a sanitizer.
set_sanitizer_options() {
  # Both for the tests and for the build, which starts every test program to list its tests.
  local symbolizer=/usr/bin/llvm-symbolizer-19
  export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1"
  export ASAN_SYMBOLIZER_PATH=$symbolizer
  export UBSAN_OPTIONS="print_stacktrace=1"
  # Debian's libraries are not instrumented, so what they do among themselves would look like races.
  # At its end a program waits a second for races that its other threads may still show; hundreds are started.
  TSAN_OPTIONS="ignore_noninstrumented_modules=1 atexit_sleep_ms=100 suppressions=$REPOSITORY/tests/tsan.supp"
  export TSAN_OPTIONS="$TSAN_OPTIONS external_symbolizer_path=$symbolizer"
}

# run_tests PRESET [CTEST ARGUMENT...]: nothing is printed after ctest's own summary.
run_tests() {
  local preset=$1
  shift
  build "$preset"
  say "test $preset"
  ctest --preset "$preset" "$@"
}

command_build() {
  local preset=${1-hardened}
  case $preset in
    hardened) command_deps hardened ;;
    release) command_deps run ;;
    benchmark) command_deps bench ;;
    attack) command_deps hardened test ;;
    dev | asan | tsan | fuzz | soak) command_deps test ;;
    *) usage_error "build: unknown preset '$preset'" ;;
  esac
  # The build starts test programs to list their tests.
  set_sanitizer_options
  build "$preset"
}

command_test() {
  if [[ ${1-} != --hardened ]]; then
    command_deps test
    run_tests dev "$@"
    return
  fi
  shift
  command_deps hardened test
  build attack all
  say "test hardened-tests"
  ctest --preset hardened-tests "$@"
}

command_attack() {
  command_deps hardened test
  run_tests attack "$@"
}

command_sanitize() {
  local preset=${1-}
  [[ $preset == asan || $preset == tsan ]] || usage_error "sanitize: asan or tsan?"
  shift
  command_deps test
  set_sanitizer_options
  run_tests "$preset" "$@"
}
