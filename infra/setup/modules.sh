# npm packages, Node 24 among them. Sourced by run.sh.

modules_value() { sha256sum package-lock.json | cut -c 1-64; }

modules_missing() {
  [[ -x node_modules/.bin/node ]] && stamped modules "$(modules_value)" && return 1
  # An installation that npm itself finished for this lock file is as good as ours.
  if modules_installed; then
    mkdir -p "$cache/setup"
    stamp modules "$(modules_value)"
    return 1
  fi
}

# Whether node_modules holds what the lock file asks for. npm writes node_modules/.package-lock.json
# as the last act of an installation; packages for other machines are absent there.
modules_installed() {
  node -e '
    const packages = (path) => JSON.parse(require("fs").readFileSync(path, "utf8")).packages;
    const present = packages("node_modules/.package-lock.json");
    for (const [path, wanted] of Object.entries(packages("package-lock.json"))) {
      const found = present[path];
      const optional = wanted.optional === true || wanted.devOptional === true;
      if (path !== "" && (found ? found.version !== wanted.version : !optional)) process.exit(1);
    }
  ' 2>/dev/null && [[ -x node_modules/.bin/node ]]
}

modules_why() { printf 'install the npm packages of package-lock.json (Node 24, ClickHouse, tools: 1.2 GB)'; }

modules_install() {
  rm -f "$cache/setup/modules.stamp"
  logged modules npm ci --no-audit --no-fund --loglevel=error
  # Not in the lock file: some mirrors of the registry do not have it, and npm ci would then refuse
  # the whole lock file, on every machine.
  if [[ $node_arch == arm64 ]]; then
    local version
    version=$(node -p 'require("./package.json").optionalDependencies["@chdb/lib-linux-x64-gnu"]')
    logged modules npm install --no-save --no-audit --no-fund "@chdb/lib-linux-arm64-gnu@$version"
  fi
  # Settings of one machine may make npm write elsewhere; what counts is what lies here now.
  [[ -x node_modules/.bin/node ]] ||
    fail "npm did not install node-linux-$node_arch" "check that npm's settings do not omit optional packages"
  stamp modules "$(modules_value)"
}
