#!/usr/bin/env bash
# Stands for gcloud, bq and kubectl, by the name that it is called by: there is no cloud here. It notes each call, keeps what was made in
# CLOUD/state, says of the rest that there is none, and refuses what CLOUD/refuse names. It holds how cluster.sh uses them, and nothing of
# what they do.
set -euo pipefail
name=${0##*/}
{ printf '%s' "$name" && printf ' %q' "$@" && printf '\n'; } >>"$CLOUD/calls"
words=()
for argument in "$@"; do
  if [[ $argument == --context=* ]]; then printf '%s\n' "$argument" >>"$CLOUD/contexts"; fi
  if [[ $argument != -* ]]; then words+=("$argument"); fi
done
if [[ $name == kubectl && " $* " == *' -n '* ]]; then words=("${words[@]:1}"); fi
call="$name ${words[*]}"
if [[ -e $CLOUD/refuse ]] && grep -qF -- "$(cat "$CLOUD/refuse")" <<<"$call"; then
  printf 'ERROR: (gcloud) PERMISSION_DENIED: the caller does not have permission\n' >&2
  exit 1
fi
# A thing by its last words: `clusters clover`, `namespace clover-system`; an account by the part before its @.
count=${#words[@]}
thing() { printf '%s' "$CLOUD/state/$1-${2%%@*}"; }
case " ${words[*]} " in
  *' show '*) file=$(thing dataset "${words[count - 1]}")
    [[ -e $file ]] || { printf 'BigQuery error in show operation: Not found: Dataset %s\n' "${words[count - 1]}" && exit 2; } ;;
  *' mk '*) touch "$(thing dataset "${words[count - 1]}")" ;;
  *' rm '*) rm "$(thing dataset "${words[count - 1]}")" ;;
  *' describe '*) file=$(thing "${words[count - 3]}" "${words[count - 1]}")
    [[ -e $file ]] || { printf 'ERROR: NOT_FOUND: Not found: %s\n' "${words[count - 1]}" >&2 && exit 1; } ;;
  *' get '*) file=$(thing "${words[count - 2]}" "${words[count - 1]}")
    [[ -e $file ]] || { printf 'Error from server (NotFound): "%s" not found\n' "${words[count - 1]}" >&2 && exit 1; } ;;
  *' create secret generic '*) cat >"$CLOUD/password" && touch "$(thing secret "${words[count - 1]}")" ;;
  *' create namespace '*) touch "$(thing namespace "${words[count - 1]}")" ;;
  *' create '*) touch "$(thing "${words[count - 3]}" "${words[count - 1]}")" ;;
  *' delete namespace '*) rm -f "$(thing namespace "${words[count - 1]}")" "$CLOUD/state/secret-clickhouse" ;;
  *' delete '*) rm "$(thing "${words[count - 3]}" "${words[count - 1]}")" ;;
esac
