// What the kernel has counted at a TCP socket of a pod, when that closed.
#pragma once

#include "common.h"

namespace clover {

// Bytes of one direction by their sequence numbers; a FIN is one of them.
struct SequenceRange {
  u32 from = 0;
  u32 until = 0;  // not included
};

struct ClosedSocket {
  FlowKey key;
  u64 opened_ns = 0;  // Unix
  SequenceRange sent;  // and confirmed
  SequenceRange received;
  i64 watched_ns = 0;  // for how long its packets had been asked for when it was opened; below 0: it was open before
  bool lossy = false;  // packets of any socket were lost on their way up since it was opened
};

}  // namespace clover
