#!/usr/bin/env bash
# yamllint finds nothing in the YAML files.
#
# Usage: tools/check/yaml.sh
# Exit codes: 0 nothing found; 1 something found.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
git ls-files -z '*.yaml' '*.yml' .yamllint | xargs -0 yamllint --strict
