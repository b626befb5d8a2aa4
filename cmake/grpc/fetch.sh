#!/usr/bin/env bash
# Fetches the sources of Debian's gRPC 1.51.1, and applies the patch beside this file.
#
# Usage: fetch.sh FOLDER. Makes FOLDER, with the patched sources and `sources.txt`, the source files that have to be
# compiled anew; does nothing if they are there. Needs no root: apt-get works in folders of its own, with the package
# sources that this machine has, so the download comes from wherever its packages come from and is verified as they are.
#
# Exit codes: 0 done; 1 nothing was fetched, or it is not what the patch was written for.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
readonly here
readonly patch=$here/grpc-1.51.1.patch
# The same in every Debian release that has this version.
readonly tarball=grpc_1.51.1.orig.tar.gz
readonly tarball_sha256=b55696fb249669744de3e71acc54a9382bea0dce7cd5ba379b356b12b82d4229
# What these files include. Debian compiles them with its own abseil, and with these from gRPC's tree.
readonly parts=(include src/core third_party/address_sorting third_party/upb third_party/xxhash)

say() { printf 'grpc: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# apt_get FOLDER ARGUMENT...: with package sources, lists and caches in FOLDER.
apt_get() {
  local folder=$1
  shift
  apt-get -q -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts="$folder/sources.list.d" \
    -o Dir::State::Lists="$folder/lists" -o Dir::Cache="$folder/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}

# Debian's source package of VERSION, into the current folder.
download() {
  local version=$1 apt=$PWD/apt file
  mkdir -p "$apt"/{sources.list.d,lists/partial,cache/archives/partial}
  # The machine's package sources, for sources rather than binaries.
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ -e $file ]] || continue
    sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$file" >"$apt/${file#/etc/apt/}"
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    [[ -e $file ]] || continue
    sed 's/^Types:.*/Types: deb-src/' "$file" >"$apt/sources.list.d/${file##*/}"
  done
  say "downloading the source package grpc $version"
  # A repository of somebody else may have no sources; that is no matter if this one has.
  apt_get "$apt" update >"$apt/log" 2>&1 || true
  if ! apt_get "$apt" source --download-only "grpc=$version" >>"$apt/log" 2>&1; then
    cat "$apt/log" >&2
    fail "the source package grpc $version cannot be downloaded"
  fi
  sha256sum --strict --quiet --check <<<"$tarball_sha256  $tarball" >&2 ||
    fail "$tarball is not what the patch was written for"
}

# Debian's binary must come from the same sources, except for those that are patched here.
check_debian_patches() {
  local changed
  mkdir debian
  tar --extract --file "$(echo grpc_*.debian.tar.*)" --directory debian --strip-components=1
  changed=$(sed 's/[[:space:]]*#.*//; /^$/d' debian/patches/series |
    (cd debian/patches && xargs --no-run-if-empty sed -n 's,^+++ [^/]*/\([^[:space:]]*\).*,\1,p') |
    grep -E '^(include|src/(core|cpp)|third_party)/') || true
  [[ -z $changed ]] || fail "Debian patches these files itself now, so look at ours anew: $changed"
}

# The source files in the current folder that include, through whatever, a header that the patch changes, and those that
# it changes itself.
# shellcheck disable=SC2001 # A line is what sed does here.
files_to_compile() {
  local changed found known=
  changed=$(sed -n 's,^+++ b/,,p' "$patch")
  found=$(grep '\.h$' <<<"$changed")
  while [[ $found != "$known" ]]; do
    known=$found
    found=$({
      echo "$known"
      sed 's/.*/#include "&"/' <<<"$known" | grep -rlFf - --include='*.h' --include='*.cc' src
    } | sort -u)
  done
  printf '%s\n%s\n' "$changed" "$found" | grep '\.cc$' | sort -u
}

main() {
  (($# == 1)) || fail "usage: fetch.sh FOLDER"
  local folder version stamp work
  folder=$(realpath --canonicalize-missing "$1") # this script changes folders
  stamp=$(cat "$patch" "${BASH_SOURCE[0]}" | sha256sum)
  # Two builds that start together fetch once.
  mkdir -p "$(dirname "$folder")"
  exec {lock}>"$folder.lock"
  flock "$lock"
  [[ $(cat "$folder/stamp" 2>/dev/null) != "$stamp" ]] || return 0

  # shellcheck disable=SC2016 # A field of dpkg-query, not of the shell.
  version=$(dpkg-query --show --showformat='${source:Version}' libgrpc-dev) || fail "libgrpc-dev is not installed"
  [[ $version == 1.51.1-* ]] || fail "libgrpc-dev comes from grpc $version, and the patch is for 1.51.1"
  work=$folder.new
  rm -rf "$work"
  mkdir "$work"
  cd "$work"
  mkdir download tree
  (cd download && download "$version" && check_debian_patches)
  cd tree
  tar --extract --file "../download/$tarball" --strip-components=1 --wildcards "${parts[@]/#/*/}"
  patch --strip=1 --fuzz=0 --forward --quiet <"$patch" >&2 || fail "the patch does not apply"
  files_to_compile >sources.txt
  echo "$stamp" >stamp
  rm -rf "$folder"
  mv "$work/tree" "$folder"
  rm -rf "$work"
  say "patched sources in $folder: $(wc -l <"$folder/sources.txt") files to compile"
}

main "$@"
