# What the machine itself has to be; nothing here can be installed. Sourced by run.sh.

check_machine() {
  [[ $(uname -s) == Linux ]] || fail "this is $(uname -s), and Clover needs Linux" "run it on Debian or Ubuntu with Linux 5.10 or newer"

  local release major minor
  release=$(uname -r)
  IFS=.- read -r major minor _ <<<"$release"
  ((major > 5 || (major == 5 && ${minor%%[!0-9]*} >= 10))) ||
    fail "the kernel is $release, and the agent needs Linux 5.10 or newer" "boot a newer kernel, e.g. linux-image from backports"

  ((EUID == 0)) || fail "not root: eBPF, network namespaces and packages need it" "sudo npm run …, or a root shell"

  command -v apt-get >/dev/null || fail "there is no apt-get: set-up knows Debian and Ubuntu" "use Debian 12 or Ubuntu 24.04, or newer"

  getconf GNU_LIBC_VERSION >/dev/null 2>&1 || fail "this is not a glibc system, and the ClickHouse library needs glibc" "use Debian or Ubuntu"

  case $(uname -m) in
    x86_64) readonly node_arch=x64 ;;
    aarch64) readonly node_arch=arm64 ;;
    *) fail "there is no Envoy and ClickHouse for $(uname -m)" "use an x86_64 or aarch64 machine" ;;
  esac

  command -v node >/dev/null || fail "there is no node" "install Node 20 or newer with npm"
  command -v npm >/dev/null || fail "there is no npm" "install Node 20 or newer with npm"
}

# Room for packages, modules (1.2 GB), Envoy (110 MB) and a run's data.
check_space() {
  local node_major free
  node_major=$(node -p 'process.versions.node.split(".")[0]')
  ((node_major >= 20)) || fail "Node is $(node --version), and npm needs 20 or newer" "install Node 20 or newer"
  free=$(df --output=avail -k . | tail -n 1)
  ((free >= 3000000)) || fail "only $((free / 1000)) MB are free here, and set-up needs 3000" "free some space"
}
