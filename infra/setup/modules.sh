# npm packages, Node 24 among them. Sourced by run.sh.

modules_value() { sha256sum package-lock.json | cut -c 1-64; }

modules_missing() {
  [[ -x node_modules/.bin/node ]] && stamped modules "$(modules_value)" && return 1
  # An installation that npm itself finished for this lock file is as good as ours.
  if node "$setup/installed.mjs" 2>/dev/null; then
    mkdir -p "$cache/setup"
    stamp modules "$(modules_value)"
    return 1
  fi
}

modules_why() { printf 'install the npm packages of package-lock.json (Node 24, ClickHouse, tools: 1.2 GB)'; }

modules_install() {
  rm -f "$cache/setup/modules.stamp"
  logged modules npm ci --no-audit --no-fund --loglevel=warn
  # Settings of one machine may make npm write elsewhere; what counts is what lies here now.
  [[ -x node_modules/.bin/node ]] ||
    fail "npm did not install node-linux-$node_arch" "check that npm's settings do not omit optional packages"
  stamp modules "$(modules_value)"
}
