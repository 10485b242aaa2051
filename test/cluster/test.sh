#!/usr/bin/env bash
# The cluster's own tests: all of them, with all that they take built first; or those that arguments of ava choose, with what is built.
# None is left out: one that cannot run fails.
set -euo pipefail
if (($# == 0)); then
  node test/cluster/main.ts build --tier observe >/dev/null
  # Where the machine has no Go, the build has fetched one.
  PATH=$PATH:$(printf '%s:' "$PWD"/.cache/cluster/go-*/go/bin) npm run --silent build:conformance:knative
fi
exec ava --config test/cluster/ava.config.cjs "$@"
