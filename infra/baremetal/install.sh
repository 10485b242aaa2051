#!/usr/bin/env bash
# Puts Clover on this host as services of systemd, or takes it away. It says what it would change and asks before it does.
#
#   ./install.sh [--parts control-plane,clickhouse,envoy,agent] [--server URL --token-file FILE]
#   ./install.sh --uninstall [--delete-data]
#
#   --parts LIST       what runs here; default: all four
#   --server URL       control plane of the agent; default: http://127.0.0.1:7700
#   --token-file FILE  token that it takes from agents, where it is another host's: /etc/clover/secrets/agent-token there
#   --dry-run          says what would be changed, and ends
#   --yes              does not ask
#   --no-start         enables the services and starts none
#   --root DIR         another root than /, such as an image's: nothing is started, no user is made
#
# Files in /etc/clover are made once and never changed. Run it again for another version, or for other parts.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly all_parts=(clickhouse control-plane envoy agent)

say() { printf '%s\n' "$*"; }
fail() {
  printf 'install.sh: %s\n' "$1" >&2
  printf '  to fix: %s\n' "$2" >&2
  exit "${3:-1}"
}

mode=install root='' server=http://127.0.0.1:7700 token_file='' list='' dry=0 yes=0 start=1 delete_data=0
while (($# > 0)); do
  case $1 in
    --parts | --server | --token-file | --root)
      [[ -n ${2-} ]] || fail "$1 has no value" "see the first lines of $0" 2
      case $1 in
        --parts) list=$2 ;;
        --server) server=$2 ;;
        --token-file) token_file=$2 ;;
        --root) root=$2 ;;
      esac
      shift ;;
    --uninstall) mode=uninstall ;;
    --delete-data) delete_data=1 ;;
    --dry-run) dry=1 ;;
    --yes) yes=1 ;;
    --no-start) start=0 ;;
    *) fail "unknown argument $1" "see the first lines of $0" 2 ;;
  esac
  shift
done
root=${root%/}
IFS=, read -r -a parts <<<"${list:-clickhouse,control-plane,envoy,agent}"
for part in "${parts[@]}"; do
  [[ " ${all_parts[*]} " == *" $part "* ]] || fail "there is no part $part" "parts are ${all_parts[*]}" 2
done
[[ $server =~ ^http://[][A-Za-z0-9.:-]+$ ]] || fail "--server: found $server" "http://HOST:PORT" 2
((delete_data == 0)) || [[ $mode == uninstall ]] || fail "--delete-data goes with --uninstall" "leave it out" 2

has() { [[ " ${parts[*]} " == *" $1 "* ]]; }
live() { [[ -z $root && -d /run/systemd/system ]]; }

readonly lib=/usr/lib/clover units=/usr/lib/systemd/system etc=/etc/clover
readonly manifest=$lib/MANIFEST pending=$lib/PENDING
declare -A sources=() modes=()
managed=() plan=()
declare -A touched=()

# Plan: "VERB<tab>PATH" in the order in which it is done.
step() { plan+=("$1"$'\t'"$2"); }

# own FROM TO MODE PART: a file that is ours.
own() {
  sources[$2]=$1 modes[$2]=$3
  managed+=("$2")
  if [[ ! -e $root$2 ]]; then step create "$2"; elif ! cmp -s "$1" "$root$2"; then step replace "$2"; else return 0; fi
  touched[$4]=1
}

# once TO MODE: a file that is the administrator's from the start.
once() {
  modes[$1]=$2
  if [[ -e $root$1 ]]; then step keep "$1"; else step create "$1"; fi
}

plan_install() {
  local file part
  while IFS= read -r file; do
    part=${file%%/*}
    case $part in
      agent | clickhouse | control-plane | envoy) if ! has "$part"; then continue; fi ;;
      *) part=all ;;
    esac
    if [[ -x $here/lib/$file ]]; then own "$here/lib/$file" "$lib/$file" 755 "$part"; else own "$here/lib/$file" "$lib/$file" 644 "$part"; fi
  done < <(cd "$here/lib" && find . -type f -printf '%P\n' | sort)
  own "$here/units/clover.target" "$units/clover.target" 644 all
  own "$here/units/clover-.service.d/hardening.conf" "$units/clover-.service.d/hardening.conf" 644 all
  for part in "${parts[@]}"; do own "$here/units/clover-$part.service" "$units/clover-$part.service" 644 "$part"; done
  if has control-plane || has envoy; then own "$here/units/clover.sysusers.conf" /usr/lib/sysusers.d/clover.conf 644 all; fi
  managed+=(/usr/bin/cloverctl)
  if [[ $(readlink "$root/usr/bin/cloverctl") != "$lib/cloverctl/run" ]]; then
    [[ ! -e $root/usr/bin/cloverctl ]] || fail "/usr/bin/cloverctl is somebody else's" "move it away"
    step link /usr/bin/cloverctl
  fi
  if has control-plane; then
    once "$etc/secrets/token" 600
    once "$etc/secrets/metrics-token" 600
  fi
  if has control-plane || has agent; then once "$etc/secrets/agent-token" 600; fi
  if has control-plane || has clickhouse; then once "$etc/secrets/clickhouse-password" 600; fi
  for part in "${parts[@]}"; do once "$etc/$part.json" 644; done
  if has agent; then once "$etc/pods.json" 644; fi
  if [[ -e $root$manifest ]]; then
    while IFS= read -r file; do
      if [[ " ${managed[*]} " != *" $file "* ]]; then step remove "$file"; fi
    done <"$root$manifest"
  fi
}

plan_uninstall() {
  local file
  if [[ -e $root$manifest ]]; then
    while IFS= read -r file; do step remove "$file"; done <"$root$manifest"
    step remove "$manifest"
  fi
  # Also what an earlier one has left.
  if ((delete_data)); then
    for file in "$etc" /var/lib/clover /var/lib/clover-clickhouse /var/lib/clover-agent /var/lib/private/clover-clickhouse /var/lib/private/clover-agent; do
      if [[ -e $root$file || -L $root$file ]]; then step delete "$file"; fi
    done
  fi
  ((${#plan[@]} > 0)) || { say 'Clover is not installed here.' && exit 0; }
}

check_host() {
  ((EUID == 0)) || fail 'not root' "sudo $0"
  [[ -d /run/systemd/system ]] || fail 'this host was not started by systemd' '--root DIR for an image, or docs of cloverctl up'
  local version kernel major minor
  version=$(systemctl --version | awk 'NR == 1 { print int($2) }')
  ((version >= 247)) || fail "systemd is $version, and credentials of services need 247" 'a newer distribution'
  if has agent; then
    kernel=$(uname -r)
    IFS=.- read -r major minor _ <<<"$kernel"
    ((major > 5 || (major == 5 && ${minor%%[!0-9]*} >= 10))) || fail "the kernel is $kernel, and the agent needs Linux 5.10 or newer" 'a newer kernel, or --parts without agent'
    [[ -r /sys/kernel/btf/vmlinux ]] || fail 'the kernel has no BTF (/sys/kernel/btf/vmlinux)' 'a kernel with CONFIG_DEBUG_INFO_BTF, or --parts without agent'
  fi
}

# Addons want the C++ library, and the agent's libbpf, of the distribution that the release was made on.
check_libraries() {
  local addon said
  for addon in agent/build/Release/capture.node control-plane/build/Release/clover_codec.node; do
    if ! has "${addon%%/*}" || [[ ! -e $here/lib/$addon ]]; then continue; fi
    # shellcheck disable=SC2016
    said=$("$here/lib/node" -e 'process.dlopen({ exports: {} }, process.argv[1])' "$here/lib/$addon" 2>&1) ||
      fail "$addon does not load: $(grep -m 1 Error <<<"$said")" 'the package that has it (Debian: libbpf1 libelf1 zlib1g libstdc++6), or a release made on this distribution'
  done
}

# Each start of a service has an id of its own.
invocation() { systemctl show --property=InvocationID --value "clover-$1.service"; }

# What starts belong to files of before is kept until those are over, whatever comes between: a run that is interrupted, or --no-start.
note_pending() {
  local part id
  for part in "${parts[@]}"; do
    if [[ -z ${touched[all]-}${touched[$part]-} ]]; then continue; fi
    id=$(invocation "$part")
    if [[ -n $id ]]; then printf '%s %s\n' "$part" "$id" >>"$pending"; fi
  done
}

# Services that still run on files of before.
outdated() {
  local part id
  if [[ ! -e $pending ]]; then return 0; fi
  while read -r part id; do
    if has "$part" && [[ $(invocation "$part") == "$id" ]] && systemctl is-active --quiet "clover-$part.service"; then
      printf '%s\n' "clover-$part.service"
    fi
  done <"$pending" | sort -u
}

put() {
  local to=$root$2
  mkdir -p "$(dirname "$to")"
  cp --reflink=auto "$1" "$to.part"
  chmod "$3" "$to.part"
  mv -f "$to.part" "$to"
}

secret() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

make_once() {
  local made
  made=$(mktemp)
  case $1 in
    "$etc"/secrets/agent-token) if [[ -n $token_file ]]; then cat "$token_file"; else secret; fi >"$made" ;;
    "$etc"/secrets/*) secret >"$made" ;;
    "$etc"/agent.json) sed -e "s|http://127.0.0.1:7700|$server|" "$here/etc/agent.json" >"$made" ;;
    *) cat "$here/etc/${1##*/}" >"$made" ;;
  esac
  put "$made" "$1" "$2"
  rm -f "$made"
}

write_manifest() {
  mkdir -p "$root$lib"
  sort -u >"$root$manifest.part"
  mv "$root$manifest.part" "$root$manifest"
}

apply() {
  local verb path line
  umask 022
  if [[ $mode == install ]]; then
    install -d -m 755 "$root$etc"
    install -d -m 700 "$root$etc/secrets"
    # Both what was and what is to be: whoever is interrupted here can be taken away.
    { printf '%s\n' "${managed[@]}" && cat "$root$manifest" 2>/dev/null || true; } | write_manifest
    if live; then note_pending; fi
  else
    if live; then systemctl disable --now clover.target "${all_parts[@]/#/clover-}" 2>/dev/null || true; fi
    rm -f "$root$pending"
  fi
  for line in "${plan[@]}"; do
    IFS=$'\t' read -r verb path <<<"$line"
    case $verb in
      create | replace)
        if [[ -n ${sources[$path]-} ]]; then put "${sources[$path]}" "$path" "${modes[$path]}"; else make_once "$path" "${modes[$path]}"; fi ;;
      link) mkdir -p "$root/usr/bin" && ln -sfn "$lib/cloverctl/run" "$root$path" ;;
      remove)
        # One that had failed would stay in the lists of systemd.
        if live && [[ $path == "$units"/clover*.service ]]; then
          { systemctl disable --now "${path##*/}"; systemctl reset-failed "${path##*/}"; } 2>/dev/null || true
        fi
        rm -f "$root$path" ;;
      delete) rm -rf --one-file-system "${root:-}$path" ;;
    esac
  done
  find "$root$lib" "$root$units/clover-.service.d" -depth -type d -empty -delete 2>/dev/null || true
  if [[ $mode == install ]]; then printf '%s\n' "${managed[@]}" | write_manifest; fi
}

# What runs on old files is started anew; what does not run is started with the rest.
bring_up() {
  local restart=()
  if [[ -e /usr/lib/sysusers.d/clover.conf ]]; then systemd-sysusers /usr/lib/sysusers.d/clover.conf; fi
  systemctl daemon-reload
  systemctl enable --quiet clover.target "${parts[@]/#/clover-}"
  mapfile -t restart < <(outdated)
  if ((!start)); then
    if ((${#restart[@]} > 0)); then say "Still on the files of before, until it is run again without --no-start: ${restart[*]}"; fi
    return 0
  fi
  if ((${#restart[@]} > 0)); then
    say "Started anew: ${restart[*]}"
    systemctl try-restart "${restart[@]}"
  fi
  rm -f "$pending"
  systemctl start clover.target "${parts[@]/#/clover-}" ||
    fail 'not all of it starts' "systemctl status 'clover*', journalctl -u 'clover-*'"
}

if [[ $mode == install ]]; then
  if [[ -z $root ]]; then check_host; fi
  if has agent && ! has control-plane && [[ -z $token_file && ! -e $root$etc/secrets/agent-token ]]; then
    fail 'an agent without a control plane here needs the token that one takes from agents' '--token-file FILE and --server URL'
  fi
  # Settings of before agents had a token of their own: what was made for agents now would be refused.
  if has control-plane && [[ -e $root$etc/control-plane.json ]] && ! grep -q '"agentToken"' "$root$etc/control-plane.json"; then
    fail "$etc/control-plane.json has no agentToken, the token of agents" "add the line of it that $here/etc/control-plane.json has"
  fi
  [[ -z $token_file ]] || grep -qxE '[!-~]{16,}' "$token_file" ||
    fail "$token_file is not a token: one line of at least 16 visible ASCII characters" 'another --token-file'
  check_libraries
  plan_install
else
  if [[ -z $root ]] && ((EUID != 0)); then fail 'not root' "sudo $0 --uninstall"; fi
  plan_uninstall
fi

changes=0
for line in "${plan[@]}"; do
  IFS=$'\t' read -r verb path <<<"$line"
  if [[ $verb != keep ]]; then changes=$((changes + 1)); fi
  printf '%-8s %s\n' "$verb" "$path"
done
if ((changes == 0)); then
  say 'Everything is as it should be: no file changes.'
elif ((dry)); then
  say "$changes changes would be made."
elif ((!yes)); then
  [[ -t 0 ]] || fail 'nobody is there to be asked' '--yes, or a terminal'
  read -r -p "Make these $changes changes? [y/N] " answer
  [[ $answer == [yY]* ]] || { say 'Nothing was changed.' && exit 1; }
fi
if ((dry)); then exit 0; fi
if ((changes > 0)); then apply; fi
if [[ $mode == uninstall ]]; then
  if live; then systemctl daemon-reload; fi
  if ((delete_data)) && [[ -z $root ]] && getent passwd clover >/dev/null; then userdel clover; fi
  if ((delete_data)); then say 'Clover is gone.'; else say 'Clover is gone; its data is in /var/lib/clover*, its settings in /etc/clover.'; fi
elif live; then
  bring_up
  if ((start)); then say 'Clover runs: systemctl status clover.target'; fi
fi
