#!/usr/bin/env bash
# What every command of ./dev uses: progress on standard error, and the ways to end. Sourced by ./dev.

say() { printf 'dev: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

usage_error() {
  say "$*"
  say "see ./dev help"
  exit 2
}

# stage NAME COMMAND...: runs it and says how long it took.
stage() {
  local name=$1 start=$SECONDS result=0
  shift
  say "$name"
  "$@" || result=$?
  say "$name: $((SECONDS - start)) s$( ((result == 0)) || echo ", FAILED")"
  ((result == 0))
}
