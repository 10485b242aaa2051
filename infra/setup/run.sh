#!/usr/bin/env bash
# Sets the machine up, then runs a command on it:
#
#   infra/setup/run.sh [--with PACKAGE]... COMMAND [ARGUMENT]...
#   infra/setup/run.sh --check        prints what is there and what is missing
#
# Everything is idempotent. A finished step leaves a stamp in .cache/setup, written last, so that an
# interrupted step is done again and a finished one costs nothing. Talk goes to standard error;
# standard output belongs to the command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly cache=.cache setup=infra/setup
# shellcheck source-path=SCRIPTDIR
for part in talk machine packages modules envoy native; do . "$setup/$part.sh"; done

extra_packages=()
mode=run
while (($# > 0)); do
  case $1 in
    --with) extra_packages+=("$2") && shift 2 ;;
    --check) mode=check && shift ;;
    *) break ;;
  esac
done
if [[ $mode == run && $# == 0 ]]; then
  fail "no command given" "infra/setup/run.sh COMMAND, or infra/setup/run.sh --check"
fi

# Every step is three functions: X_missing (exit code 0: there is work), X_why, X_install.
readonly steps=(packages modules envoy native)

missing_steps() {
  local step
  for step in "${steps[@]}"; do
    if "${step}_missing"; then printf '%s\n' "$step"; fi
  done
}

check_machine
missing=$(missing_steps)

if [[ $mode == check ]]; then
  for step in "${steps[@]}"; do
    if grep -qx "$step" <<<"$missing"; then
      printf 'missing  %-9s %s\n' "$step" "$("${step}_why")"
    else
      printf 'ok       %-9s\n' "$step"
    fi
  done
  [[ -z $missing ]]
  exit
fi

if [[ -n $missing ]]; then
  mkdir -p "$cache/setup"
  exec 9>"$cache/setup/lock"
  if ! flock -n 9; then
    say "another set-up is running in this checkout: waiting for it"
    flock 9
  fi
  missing=$(missing_steps)
fi

if [[ -n $missing ]]; then
  check_space
  mapfile -t todo <<<"$missing"
  say "Set-up, once (at most about 6 minutes on 2 cores). It will"
  for step in "${todo[@]}"; do say "  - $("${step}_why")"; done
  number=0
  for step in "${todo[@]}"; do
    number=$((number + 1))
    step_begin "$number" "${#todo[@]}" "$("${step}_why")"
    "${step}_install"
    step_end
  done
  say "Set-up is done after ${SECONDS} s."
fi

exec 9>&-
export PATH="$PWD/node_modules/.bin:$PATH"
exec "$@"
