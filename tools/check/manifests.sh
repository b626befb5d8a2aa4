#!/usr/bin/env bash
# The Kubernetes manifests render, each from its own folder.
#
# Usage: tools/check/manifests.sh
#
# Needs a kubectl from the time of Kubernetes 1.22 or later: Debian 12 has none, so without one the
# check is skipped, and says so.
#
# Exit codes: 0 yes, or skipped; 1 no.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if ! command -v kubectl >/dev/null; then
  echo "manifests: skipped: no kubectl here" >&2
  exit 0
fi
# Older ones print no version of kustomize, and theirs is too old to know `patches` and `labels`.
if ! kubectl version --client 2>/dev/null | grep -q '^Kustomize Version: v[4-9]'; then
  echo "manifests: skipped: this kubectl's kustomize is too old" >&2
  exit 0
fi
result=0
for folder in deploy/base deploy/overlays/*; do
  kubectl kustomize "$folder" >/dev/null || result=1
done
exit "$result"
