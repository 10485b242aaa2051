# What set-up says, and how it runs what takes long. Sourced by run.sh.

say() { printf '%s\n' "$*" >&2; }

# fail WHAT FIX: ends set-up with the exact thing that is wrong and what to do about it.
fail() {
  say "clover: $1"
  say "   fix: $2"
  exit 1
}

step_begin() {
  step_started=$SECONDS
  step_label="[$1/$2]"
  say "$step_label $3 …"
}

step_end() { say "$step_label done after $((SECONDS - step_started)) s"; }

# logged NAME COMMAND...: runs it with its output in .cache/setup/NAME.log, a sign of life every
# 15 s, and the end of that log when it fails.
logged() {
  local log="$cache/setup/$1.log" pid next=$((SECONDS + 15))
  shift
  mkdir -p "$cache/setup"
  # 9 is the lock: what outlives an interrupted set-up must not hold it. A session of its own makes
  # a group of it and of all that it starts: an interrupted npm or compiler must not work on alone.
  setsid "$@" >"$log" 2>&1 </dev/null 9>&- &
  pid=$!
  trap 'end_group "$pid"; exit 130' HUP INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS >= next)); then
      next=$((SECONDS + 15))
      say "$step_label … $((SECONDS - step_started)) s: $(tail -c 300 "$log" | tr '\r' '\n' | tail -n 1 | cut -c 1-90)"
    fi
  done
  trap - HUP INT TERM
  if ! wait "$pid"; then
    say "--- end of $log"
    tail -n 25 "$log" >&2
    fail "'$*' failed" "see $log (is the network there?), then run the same command again: set-up goes on where it stopped"
  fi
}

# end_group GROUP: SIGTERM until all are gone (npm takes one to tidy up, and the next to end), SIGKILL
# after 5 s.
end_group() {
  local tries
  trap '' HUP INT TERM
  say "interrupted: ending what was under way"
  for ((tries = 0; tries < 50; tries++)); do
    kill -TERM -- "-$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null || true
}

# stamped NAME VALUE: whether step NAME was finished for VALUE.
stamped() { [[ -f $cache/setup/$1.stamp && $(<"$cache/setup/$1.stamp") == "$2" ]]; }

stamp() {
  printf '%s\n' "$2" >"$cache/setup/$1.stamp.part"
  mv "$cache/setup/$1.stamp.part" "$cache/setup/$1.stamp"
}
