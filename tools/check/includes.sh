#!/usr/bin/env bash
# Every #include follows the direction of the folders, and each library stays in the folders that
# may know of it.
#
# Usage: tools/check/includes.sh
# Exit codes: 0 yes; 1 no.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# What each folder of service/ may include besides itself and what lies below it. main.cc may include all.
declare -rA MAY_INCLUDE=(
  [base]=""
  [observability]="base"
  [authorization]="base"
  [callers]="base authorization"
  [http]="base observability"
  [json]="base"
  [resilience]="base observability"
  [sql]="base observability resilience"
  [tls]="base observability"
  [passfort]="base observability http json resilience"
  [idempotency]="base observability resilience sql"
  [operations]="base observability resilience passfort idempotency"
  [rpc]="base observability authorization callers http json resilience tls passfort idempotency operations"
  [config]="base observability"
  [app]="base observability authorization callers http json resilience sql tls passfort idempotency operations rpc config"
)

# Which folders may include a library's headers: regular expressions of an #include's target.
declare -rA LIBRARY_STAYS_IN=(
  ['^uv\.h$']="base"
  ['^(sqlite3|libpq-fe)\.h$']="sql"
  ['^curl/']="http"
  ['^openssl/']="base http tls"
  ['^nlohmann/']="authorization json passfort"
  ['^(grpc|grpcpp|google/rpc)/']="rpc"
  ['\.grpc\.pb\.h$']="rpc"
  ['\.pb\.h$']="json passfort operations rpc"
  ['^google/protobuf/']="json observability passfort operations rpc"
  ['^spdlog/']="observability"
  ['^prometheus/']="observability"
  ['^gperftools/']="base"
)

findings=0
report() {
  echo "$1: $2"
  findings=1
}

contains_word() { [[ " $1 " == *" $2 "* ]]; }

check_service_include() {
  local place=$1 folder=$2 target=$3 pattern target_folder
  if [[ $target == service/* ]]; then
    target_folder=${target#service/}
    target_folder=${target_folder%%/*}
    contains_word "$folder ${MAY_INCLUDE[$folder]}" "$target_folder" ||
      report "$place" "service/$folder must not include service/$target_folder"
    # The engine sees records, only the store behind them sees SQL.
    [[ $target_folder != sql || $folder != idempotency || $place == service/idempotency/store/* ]] ||
      report "$place" "of service/idempotency, only store/ may include service/sql"
  fi
  for pattern in "${!LIBRARY_STAYS_IN[@]}"; do
    [[ ! $target =~ $pattern ]] || contains_word "${LIBRARY_STAYS_IN[$pattern]}" "$folder" ||
      report "$place" "only service/{${LIBRARY_STAYS_IN[$pattern]// /,}} may include $target"
  done
}

check_include() {
  local place=$1 target=$2 path=${1%%:*} folder
  case $target in
    ../* | ./*) report "$place" "an include starts at the root of the repository: $target" ;;
  esac
  case $path in
    examples/*)
      [[ $target != service/* ]] || report "$place" "an example knows the contract only: $target"
      ;;
    service/*/*)
      folder=${path#service/}
      folder=${folder%%/*}
      if [[ ! -v MAY_INCLUDE[$folder] ]]; then
        report "$place" "service/$folder has no rule in ${BASH_SOURCE[0]##*/}"
      elif [[ $target == tests/* || $target == examples/* ]]; then
        report "$place" "service must not include $target"
      else
        check_service_include "$place" "$folder" "$target"
      fi
      ;;
  esac
}

while IFS=: read -r path number text; do
  [[ $text =~ ^[[:space:]]*#[[:space:]]*include[[:space:]]*[\<\"]([^\>\"]+)[\>\"] ]] || continue
  check_include "$path:$number" "${BASH_REMATCH[1]}"
done < <(git grep -nE '^[[:space:]]*#[[:space:]]*include' -- 'service/*.cc' 'service/*.h' 'examples/*.cc' 'tests/*.cc' 'tests/*.h')
exit "$findings"
