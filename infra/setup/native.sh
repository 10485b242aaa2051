# The two native addons: kernel programs, the session core, the OTLP codec. Sourced by run.sh.

readonly addons=(capture codec)

# Sources that decide what is built; an addon without a binding.gyp does not exist yet.
native_value() {
  { find "native/$1" -type f -not -path "native/$1/build/*" -print0 | sort -z | xargs -0 sha256sum
    modules_value; } | sha256sum | cut -c 1-64
}

addons_needed() {
  local addon
  for addon in "${addons[@]}"; do
    if [[ ! -f native/$addon/binding.gyp ]]; then continue; fi
    if [[ -d native/$addon/build/Release ]] && stamped "native-$addon" "$(native_value "$addon")"; then continue; fi
    printf '%s ' "$addon"
  done
}

native_missing() { [[ -n $(addons_needed) ]]; }

native_why() { printf 'build the native addons from source: %s' "$(addons_needed)"; }

native_install() {
  local addon value wanted
  read -ra wanted <<<"$(addons_needed)"
  for addon in "${wanted[@]}"; do
    value=$(native_value "$addon")
    rm -f "$cache/setup/native-$addon.stamp"
    # Headers come with the Node package; a user's `nodedir` setting, which npm exports, would win.
    logged "native-$addon" env -u npm_config_nodedir PATH="$PWD/node_modules/.bin:$PATH" \
      node-gyp rebuild -C "native/$addon" --nodedir="$PWD/node_modules/node-linux-$node_arch" --jobs=max
    stamp "native-$addon" "$value"
  done
}
