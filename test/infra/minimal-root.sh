#!/usr/bin/env bash
# Runs a command in a fresh copy of this commit, in a minimal root file system that has Node 20 with
# npm and nothing else: the proof that a first command ever works.
#
#   test/infra/minimal-root.sh [--suite SUITE] DIR COMMAND...     e.g. … /tmp/minimal npm test
#   test/infra/minimal-root.sh --make-tarball FILE DIR            bootstraps once, for reruns
#   test/infra/minimal-root.sh --tarball FILE DIR COMMAND...
#
# DIR must not exist, or be one that this script made. Needs root, debootstrap, git, and a node of
# version 20 or newer with npm outside of this checkout. The machine's certificates and the settings
# of apt, npm and pip are copied in. Mounts live in a mount namespace and processes in a pid
# namespace of their own: both end with this script, however it ends.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

suite=bookworm tarball='' make=''
while [[ ${1-} == --* ]]; do
  case $1 in
    --suite) suite=$2 && shift 2 ;;
    --tarball) tarball=$2 && shift 2 ;;
    --make-tarball) make=$2 && shift 2 ;;
    *) printf 'unknown option %s\n' "$1" >&2 && exit 2 ;;
  esac
done
root=${1:?DIR}
shift
[[ -n $make || $# -gt 0 ]] || { printf 'no command given\n' >&2 && exit 2; }
((EUID == 0)) || { printf 'not root\n' >&2 && exit 2; }

readonly mark=.clover-minimal-root
if [[ -e $root ]]; then
  [[ -e $root/$mark ]] || { printf '%s is not a root that this script made\n' "$root" >&2 && exit 2; }
  rm -rf --one-file-system "$root"
fi
mkdir -p "$root"
touch "$root/$mark"
root=$(cd "$root" && pwd)

started=$SECONDS
if [[ -n $tarball ]]; then
  tar -C "$root" -xf "$tarball"
else
  debootstrap --variant=minbase "$suite" "$root" >"$root.debootstrap.log" 2>&1 ||
    { tail -n 5 "$root.debootstrap.log" >&2 && exit 1; }
  rm -f "$root.debootstrap.log"
fi
if [[ -n $make ]]; then
  tar -C "$root" -cf "$make.part" .
  mv "$make.part" "$make"
  printf 'minimal root: %s made after %s s\n' "$make" "$((SECONDS - started))"
  exit 0
fi

# The system's Node, not the one that the checkout brings.
outside=$(tr : '\n' <<<"$PATH" | grep -v node_modules | paste -sd :)
node=$(PATH=$outside command -v node) npm=$(readlink -f "$(PATH=$outside command -v npm)")
install -D "$(readlink -f "$node")" "$root/usr/local/bin/node"
mkdir -p "$root/usr/local/lib/node_modules"
cp -a "${npm%/bin/*}" "$root/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"

# What reaches this machine's package registries, and how.
settings=(/etc/ssl/certs/ca-certificates.crt /etc/pip.conf /etc/npmrc /etc/apt/apt.conf.d /etc/resolv.conf /etc/hosts
  "$HOME/.npmrc" "$HOME/.config/pip/pip.conf")
for file in "${settings[@]}"; do
  if [[ -e $file ]]; then
    mkdir -p "$root$(dirname "$file")"
    cp -rL "$file" "$root$(dirname "$file")/"
  fi
done
# The package ca-certificates writes the bundle anew: it has to find this machine's own authorities.
mkdir -p "$root/usr/local/share/ca-certificates"
awk -v dir="$root/usr/local/share/ca-certificates" \
  '/BEGIN CERTIFICATE/ { file = sprintf("%s/machine-%03d.crt", dir, ++n) } file { print >file }
   /END CERTIFICATE/ { close(file); file = "" }' /etc/ssl/certs/ca-certificates.crt
# Settings that want other programs of this machine to be there.
find "$root/etc/apt/apt.conf.d" -name '20packagekit' -o -name '50appstream' | xargs -r rm -f
cp -rL /etc/apt/sources.list.d/*.sources "$root/etc/apt/sources.list.d/" 2>/dev/null && rm -f "$root/etc/apt/sources.list" || true

git clone -q --no-hardlinks "$repository" "$root/clover"
printf 'minimal root: %s ready after %s s, commit %s\n' "$suite" "$((SECONDS - started))" \
  "$(git -C "$root/clover" log -1 --format=%h)"

keep=()
while IFS='=' read -r name _; do
  case $name in
    *_CERT | *_CERTS | *_CERT_FILE | *_CERT_DIR | *_CA_BUNDLE | *_proxy | *_PROXY | PIP_* | NODE_EXTRA_CA_CERTS)
      keep+=("$name=${!name}") ;;
  esac
done < <(env)

started=$SECONDS code=0
# shellcheck disable=SC2016
unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" --propagation private \
  bash -c '
    set -euo pipefail
    root=$1 && shift
    # As on a machine of its own, / is a mount point: ip netns asks for that.
    mount --rbind "$root" "$root"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    exec chroot "$root" "$@"
  ' enter "$root" env -i HOME="$HOME" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  TERM="${TERM:-dumb}" "${keep[@]}" bash -c 'cd /clover && exec "$@"' run "$@" || code=$?

printf 'minimal root: %q ended with %s after %s s\n' "$*" "$code" "$((SECONDS - started))"
exit "$code"
