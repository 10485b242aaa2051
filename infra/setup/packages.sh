# Packages of the distribution. Sourced by run.sh.

# package | a path or command that shows that it is there | what for
readonly package_table='
bpftool          bpftool                             tests
busybox-static   busybox                             other_kernels
ca-certificates  /etc/ssl/certs/ca-certificates.crt  certificates
clang            clang                               kernel_programs
containerd       containerd                          pods_of_the_testbed
cpio             cpio                                other_kernels
dnsperf          dnsperf                             benchmarks
g++              g++                                 native_core
g++-aarch64-linux-gnu aarch64-linux-gnu-g++          arm64
iperf3           iperf3                              benchmarks
iproute2         ip                                  network_namespaces
libbpf-dev       /usr/include/bpf/libbpf.h           kernel_programs
libclang-rt-dev  libclang-rt                         fuzzing
libelf-dev       /usr/include/libelf.h               kernel_programs
make             make                                native_core
nftables         /usr/sbin/nft                       NAT_in_tests
nghttp2-client   h2load                              benchmarks
nginx-light      nginx                               sample_network_function
nsd              nsd                                 benchmarks
openssl          openssl                             certificates_of_the_testbed
python3          python3                             node-gyp
python3-pip      pip                                 Envoy
qemu-system-arm  qemu-system-aarch64                 arm64
qemu-system-x86  qemu-system-x86_64                  other_kernels
runc             runc                                pods_of_the_testbed
zlib1g-dev       /usr/include/zlib.h                 kernel_programs
wrk              wrk                                 benchmarks
'

# Installed only for a command that asks for them: run.sh --with PACKAGE.
readonly packages_on_demand=' busybox-static containerd cpio dnsperf g++-aarch64-linux-gnu iperf3 libclang-rt-dev nghttp2-client nsd openssl qemu-system-arm qemu-system-x86 runc wrk '

# there PROOF: a file, a command on the path or in sbin, or (clang, libclang-rt, pip) one of its spellings.
there() {
  case $1 in
    /*) [[ -e $1 ]] ;;
    clang) compgen -G '/usr/bin/clang' >/dev/null || compgen -G '/usr/bin/clang-[0-9][0-9]' >/dev/null ;;
    libclang-rt) compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.fuzzer-*.a' >/dev/null ||
      compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.fuzzer.a' >/dev/null ;;
    pip) [[ -x .cache/envoy/envoy || -e /usr/bin/pip3 ]] || command -v pip3 >/dev/null ;;
    *) command -v "$1" >/dev/null || [[ -x /usr/sbin/$1 ]] ;;
  esac
}

packages_needed() {
  local package proof _
  while read -r package proof _; do
    if [[ -z $package ]]; then continue; fi
    if [[ $packages_on_demand == *" $package "* && " ${extra_packages[*]-} " != *" $package "* ]]; then continue; fi
    there "$proof" || printf '%s ' "$package"
  done <<<"$package_table"
}

packages_missing() { [[ -n $(packages_needed) ]]; }

packages_why() { printf 'install with apt-get: %s' "$(packages_needed)"; }

readonly service_policy=/usr/sbin/policy-rc.d
readonly service_policy_mark='# Clover set-up: no service starts while its packages are installed'

# A package must not start a service (nginx would take port 80). A policy left by an interrupted
# set-up carries our mark, and goes first.
services_held() {
  services_released
  if [[ -e $service_policy ]]; then mv "$service_policy" "$service_policy.before-clover"; fi
  printf '#!/bin/sh\n%s\nexit 101\n' "$service_policy_mark" >"$service_policy"
  chmod 755 "$service_policy"
}

services_released() {
  if grep -qxF "$service_policy_mark" "$service_policy" 2>/dev/null; then
    rm -f "$service_policy"
    if [[ -e $service_policy.before-clover ]]; then mv "$service_policy.before-clover" "$service_policy"; fi
  fi
}

packages_install() {
  local wanted
  read -ra wanted <<<"$(packages_needed)"
  export DEBIAN_FRONTEND=noninteractive
  # An interrupted dpkg leaves packages half configured, and apt-get refuses to go on.
  if [[ -n $(dpkg --audit) ]]; then logged dpkg dpkg --configure -a; fi
  # The lists are fetched only where they do not know what is wanted, or are older than a day.
  if ! apt-cache show "${wanted[@]}" >/dev/null 2>&1 ||
    [[ -z $(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mtime -1 -print -quit) ]]; then
    logged apt-update apt-get update -q
  fi
  trap services_released EXIT
  services_held
  logged apt-install apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 "${wanted[@]}"
  services_released
  trap - EXIT
  hash -r
}
