#!/usr/bin/env bash
# The image is called by the project's version wherever it is built, labelled or run.
#
# Usage: tools/check/image.sh
# Exit codes: 0 yes; 1 no.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
version=$(sed -n 's/^project(passfort-gateway VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
found=$(git grep -nE '(docker build .*-t [a-z-]+:|newTag: |image\.version=")[0-9]' -- Dockerfile README.md docs deploy)
if grep -vE "[:\" ]$version([\" \`]|\$)" <<<"$found"; then
  echo "the project's version is $version (CMakeLists.txt)"
  exit 1
fi
for file in Dockerfile README.md docs/operations.md deploy/base/kustomization.yaml deploy/overlays/demo/kustomization.yaml; do
  grep -q "^$file:" <<<"$found" || {
    echo "$file does not say which image it means"
    exit 1
  }
done
