// Where segments come from, and what never came up from there.
#pragma once

#include "../bpf/tap.h"
#include "common.h"

namespace clover {

// Sums of struct tap_counters over the CPUs, with `segments` and `payload_bytes` of all; a replay counts in the same way.
using WireCounters = tap_counters;

// Segments that were not handed up, or without their payload.
inline u64 unwanted_segments(const WireCounters& wire) {
  u64 sum = wire.heads_alone;
  for (const tap_skipped& one : wire.skipped) sum += one.segments;
  return sum;
}

inline const char* cause_name(int cause) {
  static constexpr const char* kNames[TAP_CAUSES] = {"ring_full", "unreadable", "fragment"};
  return kNames[cause];
}

inline const char* other_name(int other) {
  static constexpr const char* kNames[TAP_OTHERS] = {"sctp", "gre", "esp", "fragment", "nested", "other"};
  return kNames[other];
}

// Which ports are traced, as the kernel program decides it.
inline bool is_traced(const tap_settings& settings, u16 a, u16 b) {
  auto bit = [&](u16 port) { return settings.ports[port >> 6] >> (port & 63) & 1; };
  return settings.all_ports || bit(a) || bit(b);
}

}  // namespace clover
