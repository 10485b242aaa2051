// Which requests become spans that leave the node: by the trace id alone, so that all that see a trace agree.
#pragma once

#include "context.h"

namespace clover {

// OpenTelemetry's TraceIdRatioBased sampler, as of "TraceState: Probability Sampling": the last 56 bits of the id are its
// randomness (W3C Trace Context level 2 §3.2.2.3), and those at or above the rejection threshold are kept.
struct Sampling {
  u64 threshold = 0;    // of 2^56: 0 keeps all, 2^56 none
  bool parent = false;  // what a caller has decided goes before (ParentBased); b3 may leave it to others

  bool keeps(const TraceContext& context, const std::array<u8, 16>& trace_id) const {
    if (parent && context.has_parent() && context.decided) return (context.flags & 1) != 0;
    u64 randomness = 0;
    for (size_t i = 9; i < 16; i++) randomness = randomness << 8 | trace_id[i];
    return randomness >= threshold;
  }
};

}  // namespace clover
