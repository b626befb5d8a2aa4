#!/usr/bin/env bash
# The tests of the at-most-once engine, and so the engine, hold nothing of gRPC, protobuf and libcurl, whether these
# are linked statically or loaded.
#
# Usage: engine_links.sh PROGRAM
# Exit codes: 0 they do not; 1 they do, and what is named.
set -euo pipefail

symbols=$(nm --demangle "$1")
loaded=$(readelf --wide --dynamic "$1")
found=$(
  grep -oE '\b(grpc|grpc_core|google::protobuf)::[A-Za-z]+|\bcurl_[a-z]+_[a-z]+' <<<"$symbols" | sort -u |
    head -n 5
  grep -oE 'lib(grpc|protobuf|curl)[^]]*' <<<"$loaded"
) || true
[[ -z $found ]] || {
  echo "$1 has: $found"
  exit 1
}
