#!/usr/bin/env bash
# ./dev deps: which packages each command needs, and how they are installed. Sourced by ./dev.

# Where the releases of Debian differ in names: 12 has PostgreSQL 15, 13 has 17.
POSTGRESQL=17
! grep -qs '^VERSION_CODENAME=bookworm$' /etc/os-release || POSTGRESQL=15
readonly POSTGRESQL

# What builds and runs the gateway, fake-passfort and the client example. The Dockerfile uses it too.
readonly PACKAGES_RUN=(
  ca-certificates ccache clang-19 cmake git lld-19 ninja-build pkg-config
  golang-github-gogo-googleapis-dev protobuf-compiler protobuf-compiler-grpc
  libabsl-dev libboost-dev libcurl4-openssl-dev libgoogle-perftools-dev libgrpc++-dev libpq-dev
  libprotobuf-dev libspdlog-dev libsqlite3-dev libssl-dev libuv1-dev nlohmann-json3-dev prometheus-cpp-dev
)
# The patch in gRPC, for the preset hardened: Debian's own compiler, because the patched files join Debian's library.
readonly PACKAGES_HARDENED=("${PACKAGES_RUN[@]}" g++ patch xz-utils)
# The image's root, and its bill of materials.
readonly PACKAGES_IMAGE=("${PACKAGES_HARDENED[@]}" python3)
# The tests, the sanitizers and the fuzz targets. llvm-19 has the symbolizer, without which no
# suppression of ThreadSanitizer matches.
readonly PACKAGES_TEST=(
  binutils chromium chromium-driver curl libclang-rt-19-dev libgmock-dev libgtest-dev libnghttp2-dev llvm-19
  nginx-light openssl "postgresql-$POSTGRESQL" "postgresql-client-$POSTGRESQL" prometheus python3 python3-grpcio
  python3-protobuf python3-yaml
)
readonly PACKAGES_TOUR=(curl python3)
# clang-tidy reads the benchmarks too.
readonly PACKAGES_CHECK=(
  clang-format-19 clang-tidy-19 libbenchmark-dev python3 python3-yaml shellcheck shfmt yamllint
)
readonly PACKAGES_BENCH=(libbenchmark-dev nghttp2-client nginx-light python3 python3-matplotlib strace)

# Prints those of the given packages that are not installed.
missing_packages() {
  local installed
  installed=$(dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
    sed -n 's/ installed$//p') || true
  comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$installed")
}

# The command prefix that makes apt-get run as root, or exit 3 with the command to run by hand.
as_root() {
  local packages="$*"
  if [[ $(id -u) == 0 ]]; then
    echo env
  elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
    echo sudo env
  else
    say "packages are missing, and only root can install them. As root, run:"
    say "  apt-get update && apt-get install -y --no-install-recommends $packages"
    exit 3
  fi
}

# The tests start a PostgreSQL of their own. Debian's package would make one that runs from now on,
# unless it finds this file.
keep_postgres_from_starting() {
  local prefix=("$@") settings=/etc/postgresql-common/createcluster.conf
  [[ -e $settings ]] && return
  "${prefix[@]}" mkdir -p "${settings%/*}"
  printf '%s\n' 'create_main_cluster = false' 'ssl = on' | "${prefix[@]}" tee "$settings" >/dev/null
}

# The tests start a Prometheus and an nginx of their own, too. The services of these packages would start at once, and
# with the machine. systemd is told not to; where there is none, the file by which Debian asks whether a service may
# start does.
readonly SERVICE_POLICY=/usr/sbin/policy-rc.d
keep_service_from_starting() {
  local service=$1 unit=/etc/systemd/system/$1.service
  shift
  local prefix=("$@")
  # One that is here already is somebody's.
  [[ ! -e /usr/lib/systemd/system/$service.service ]] || return 0
  if [[ ! -e $unit && ! -L $unit ]]; then
    "${prefix[@]}" mkdir -p "${unit%/*}"
    "${prefix[@]}" ln -s /dev/null "$unit"
  fi
  if [[ ! -e $SERVICE_POLICY ]]; then
    printf '%s\n' "#!/bin/sh" "# ./dev deps, for as long as it installs." |
      "${prefix[@]}" tee "$SERVICE_POLICY" >/dev/null
    "${prefix[@]}" chmod +x "$SERVICE_POLICY"
  fi
  grep -qs 'dev deps' "$SERVICE_POLICY" || return 0
  # 101: forbidden by policy.
  printf '%s\n' "[ \"\$1\" != $service ] || exit 101" | "${prefix[@]}" tee -a "$SERVICE_POLICY" >/dev/null
}

allow_services_again() {
  ! grep -qs 'dev deps' "$SERVICE_POLICY" || "$@" rm -f "$SERVICE_POLICY"
}

install_packages() {
  local missing prefix result=0
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} > 0)) || return 0
  prefix=$(as_root "${missing[@]}")
  read -ra prefix <<<"$prefix"
  say "installing ${#missing[@]} packages: ${missing[*]}"
  # Another apt-get may be at work, as on a machine that has just been started: wait for its locks.
  local apt_get=("${prefix[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  # The lock of the package lists is not covered by that option.
  local tries=30
  until "${apt_get[@]}" update >&2; do
    ((--tries > 0)) || fail "apt-get update failed"
    say "apt-get update failed; trying again in 10 s"
    sleep 10
  done
  if [[ " ${missing[*]} " == *" postgresql-$POSTGRESQL "* ]]; then
    keep_postgres_from_starting "${prefix[@]}"
  fi
  if [[ " ${missing[*]} " == *" prometheus "* ]]; then
    keep_service_from_starting prometheus "${prefix[@]}"
  fi
  if [[ " ${missing[*]} " == *" nginx-light "* ]]; then
    keep_service_from_starting nginx "${prefix[@]}"
  fi
  "${apt_get[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >&2 || result=$?
  allow_services_again "${prefix[@]}"
  return "$result"
}

# buf, for the contract's checks: pinned in proto/package-lock.json, installed into proto/node_modules.
install_buf() {
  local folder=$REPOSITORY/proto
  local installed=$folder/node_modules/installed-lock.json
  cmp -s "$folder/package-lock.json" "$installed" && return
  say "installing buf into proto/node_modules"
  # Not `npm ci`: it wants every platform's binary in the lock file. buf needs no install script.
  npm install --prefix "$folder" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  cp "$folder/package-lock.json" "$installed"
}

command_deps() {
  (($# > 0)) || set -- all
  local packages=() scope
  for scope in "$@"; do
    case $scope in
      run) packages+=("${PACKAGES_RUN[@]}") ;;
      hardened) packages+=("${PACKAGES_HARDENED[@]}") ;;
      image) packages+=("${PACKAGES_IMAGE[@]}") ;;
      test) packages+=("${PACKAGES_RUN[@]}" "${PACKAGES_TEST[@]}") ;;
      check) packages+=("${PACKAGES_RUN[@]}" "${PACKAGES_TEST[@]}" "${PACKAGES_CHECK[@]}") ;;
      tour) packages+=("${PACKAGES_RUN[@]}" "${PACKAGES_TOUR[@]}") ;;
      bench) packages+=("${PACKAGES_RUN[@]}" "${PACKAGES_TEST[@]}" "${PACKAGES_BENCH[@]}") ;;
      all) packages+=("${PACKAGES_HARDENED[@]}" "${PACKAGES_TEST[@]}" "${PACKAGES_CHECK[@]}" "${PACKAGES_BENCH[@]}") ;;
      *) usage_error "deps: unknown scope '$scope'" ;;
    esac
  done
  local needs_buf=0
  [[ ! " $* " =~ \ (check|all)\  ]] || needs_buf=1
  # buf does for the tour what grpcurl would.
  [[ ! " $* " =~ \ tour\  ]] || command -v grpcurl >/dev/null || needs_buf=1
  # Debian's npm conflicts with a nodejs from elsewhere, so it is wanted only where there is none.
  if ((needs_buf)) && ! command -v npm >/dev/null; then
    packages+=(nodejs npm)
  fi
  install_packages "${packages[@]}"
  ((!needs_buf)) || install_buf
}
