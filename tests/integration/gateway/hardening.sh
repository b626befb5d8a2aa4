#!/usr/bin/env bash
# A program has what the build should give it: position independence, all relocations read-only
# before it starts, no executable stack, stack protector, fortified calls, probes of large stack
# frames and (on x86) landing pads for indirect branches.
#
# Usage: hardening.sh PROGRAM ARCHIVE
# ARCHIVE is a library of the project's own: what the program holds of others has guards of theirs.
# Exit codes: 0 it has; 1 something is missing, and is named.
set -euo pipefail

readonly PROGRAM=$1 ARCHIVE=$2

missing() {
  echo "$PROGRAM: $1"
  result=1
}

# has PATTERN TEXT: a here-string, since grep -q would leave a pipe's writer with an error.
has() { grep -qE -- "$1" <<<"$2"; }

# has_bytes PATTERN: of the program's code.
has_bytes() {
  local code
  code=$(mktemp)
  objcopy --only-section=.text --output-target=binary "$PROGRAM" "$code"
  local found=0
  LC_ALL=C grep -qaP "$1" "$code" || found=1
  rm -f "$code"
  return "$found"
}

result=0
header=$(readelf --wide --file-header "$PROGRAM")
segments=$(readelf --wide --program-headers "$PROGRAM")
dynamic=$(readelf --wide --dynamic "$PROGRAM")
own=$(nm --undefined-only "$ARCHIVE")

has 'Type: +DYN' "$header" || missing "not position-independent (PIE)"
has 'GNU_RELRO' "$segments" || missing "relocations stay writable (RELRO)"
has 'BIND_NOW|FLAGS_1.* NOW' "$dynamic" || missing "the PLT's part of them does (full RELRO needs -z now)"
has 'GNU_STACK +.* RW ' "$segments" || missing "executable stack"
has ' U __stack_chk_fail$' "$own" || missing "no stack protector"
has ' U __[a-z0-9_]+_chk$' "$own" || missing "no fortified calls (_FORTIFY_SOURCE)"
if [[ $(uname -m) == x86_64 ]]; then
  # sub $0x1000,%rsp; movq $0,(%rsp)
  has_bytes '\x48\x81\xec\x00\x10\x00\x00\x48\xc7\x04\x24\x00\x00\x00\x00' ||
    missing "stack frames of more than a page are not probed (stack clash)"
  # endbr64, where main begins. The mark of the whole program needs all of its parts to have them,
  # and Debian 12's start-up code has none.
  main=$(objdump --disassemble=main --no-show-raw-insn "$PROGRAM")
  has '^ +[0-9a-f]+:\s+endbr64' "$(grep -m1 -A1 '<main>:' <<<"$main")" ||
    missing "no landing pads for indirect branches (CET)"
fi
exit "$result"
