#!/usr/bin/env bash
# The C++ sources are formatted as .clang-format says.
#
# Usage: tools/check/format.sh
# Exit codes: 0 yes; 1 no. `clang-format-19 -i FILE` fixes a file.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
git ls-files -z '*.cc' '*.h' | xargs -0 -r clang-format-19 --dry-run -Werror
