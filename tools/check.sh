#!/usr/bin/env bash
# ./dev check: runs the scripts of tools/check/. Sourced by ./dev.

command_check() {
  local script names=("$@") name failed=()
  if ((${#names[@]} == 0)); then
    for script in tools/check/*.sh; do
      names+=("$(basename "$script" .sh)")
    done
  fi
  for name in "${names[@]}"; do
    [[ -x tools/check/$name.sh ]] || usage_error "check: no check is called '$name'"
  done
  command_deps check
  for name in "${names[@]}"; do
    stage "check $name" "tools/check/$name.sh" || failed+=("$name")
  done
  ((${#failed[@]} == 0)) || fail "checks that failed: ${failed[*]}"
}
