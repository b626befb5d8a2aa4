#!/usr/bin/env bash
# The Kubernetes manifests can be read and render: the base, each overlay, and each component on top of those that it is
# for, where it has to change something. Images of production are named by digest.
#
# Usage: tools/check/manifests.sh [FOLDER]
#
# With FOLDER, an overlay of your own: it renders, and holds no placeholder any more.
#
# To render needs a kubectl from the time of Kubernetes 1.22 or later: Debian has an older one, or none. Without one that part
# is skipped, and says so; with FOLDER that is a failure.
#
# Exit codes: 0 yes, or skipped; 1 no.
set -euo pipefail

folder=
if (($# > 0)); then folder=$(realpath "$1"); fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
result=0

check() { /usr/bin/python3 -B tools/check/manifests.py "$@" || result=1; }

can_render() {
  if ! command -v kubectl >/dev/null; then
    echo "manifests: not rendered: no kubectl here" >&2
    return 1
  fi
  # Older ones print no version of kustomize, and theirs is too old to know `patches` and `labels`.
  kubectl version --client 2>/dev/null | grep -q '^Kustomize Version: v[4-9]' && return
  echo "manifests: not rendered: this kubectl's kustomize is too old" >&2
  return 1
}

# render FOLDER: to standard output.
render() {
  kubectl kustomize "$1" || {
    echo "manifests: $1 does not render"
    return 1
  } >&2
}

# render_with OVERLAY COMPONENT...: the overlay with these components.
render_with() {
  local overlay=$1 component own=$work/with
  shift
  mkdir -p "$own"
  {
    printf 'resources:\n  - %s\ncomponents:\n' "$(realpath --relative-to="$own" "$overlay")"
    for component in "$@"; do
      printf '  - %s\n' "$(realpath --relative-to="$own" "deploy/components/$component")"
    done
  } >"$own/kustomization.yaml"
  render "$own"
}

# check_component OVERLAY COMPONENT...: the last one changes something.
check_component() {
  render_with "$@" >"$work/with.yaml" || {
    result=1
    return
  }
  render_with "${@:1:$#-1}" >"$work/without.yaml" || result=1
  ! cmp -s "$work/with.yaml" "$work/without.yaml" || {
    echo "manifests: the component ${*: -1} changes nothing of $1"
    result=1
  }
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [[ -n $folder ]]; then
  can_render || exit 1
  render "$folder" >"$work/own.yaml" || exit 1
  check rendered --own "$work/own.yaml"
  exit "$result"
fi

mapfile -t sources < <(git ls-files --cached --others --exclude-standard 'deploy/*.yaml' 'deploy/*.json')
check sources "${sources[@]}"
can_render || exit "$result"

for overlay in deploy/base deploy/overlays/*; do
  render "$overlay" >"$work/${overlay##*/}.yaml" || result=1
done
check rendered --production "$work/production.yaml"
for component in deploy/components/*; do
  check_component deploy/base "${component##*/}"
done
# What a cluster may want together; the order is the user's.
for overlay in deploy/base deploy/overlays/{single,production}; do
  check_component "$overlay" node-local-dns ipv6
  check_component "$overlay" ipv6 node-local-dns
  check_component "$overlay" ipv6 openshift
done
exit "$result"
