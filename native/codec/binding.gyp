{
  "target_defaults": {
    "cflags": ["-O2", "-Wall", "-Wextra", "-Werror"],
    "defines": ["NAPI_VERSION=9"]
  },
  "targets": [
    {
      "target_name": "clover_codec",
      "sources": ["src/addon.cc", "src/attributes.cc", "src/otlp.cc", "src/span_block.cc"],
      "cflags_cc": ["-std=c++17", "-fexceptions", "-fvisibility=hidden"],
      "cflags_cc!": ["-fno-exceptions", "-std=gnu++20", "-std=gnu++17"]
    },
    {
      "target_name": "clover-clickhouse",
      "type": "executable",
      "sources": ["launcher/main.c"],
      "cflags_c": ["-std=c11"],
      "libraries": ["-ldl", "-lpthread"]
    }
  ]
}
