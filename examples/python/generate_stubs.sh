#!/usr/bin/env bash
# Generates the Python classes of the contract, and those of google.rpc's error details.
#
# Usage: examples/python/generate_stubs.sh [FOLDER]   (generated/ beside this script)
#
# Needs Debian's protobuf-compiler, protobuf-compiler-grpc, libprotobuf-dev and
# golang-github-gogo-googleapis-dev, which ./dev run installs. With pip, grpcio-tools and
# googleapis-common-protos take their place.
#
# Exit codes: 0 generated; 1 protoc failed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly CONTRACT=$here/../../proto
readonly GOOGLEAPIS=${GOOGLEAPIS_PROTO_ROOT:-/usr/share/gocode/src/github.com/gogo/googleapis}
folder=${1:-$here/generated}

mkdir -p "$folder"
protoc -I "$CONTRACT" --python_out="$folder" --pyi_out="$folder" \
  --plugin=protoc-gen-grpc="$(command -v grpc_python_plugin)" --grpc_out="$folder" \
  "$CONTRACT"/passfort/gateway/v1/*.proto
protoc -I "$GOOGLEAPIS" --python_out="$folder" --pyi_out="$folder" \
  google/rpc/status.proto google/rpc/error_details.proto
