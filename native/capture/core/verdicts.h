// What the kernel programs are told of flows that nobody wants all of.
#pragma once

#include <string>
#include <vector>

#include "wire.h"

struct bpf_object;

namespace clover {

// The maps of verdicts. What they forget, as they are bounded, the programs hand up again.
class Verdicts {
 public:
  void open(bpf_object* object);
  void tell(const Wish& wish);
  // Of a flow: how many packets were not handed up since it is not wanted; 0 where that is not known.
  u32 left_out(const FlowKey& key) const;
  // Bytes that the programs did not hand up, by reason.
  Counts skipped(const WireCounters& counters) const;

 private:
  int v4_ = -1, v6_ = -1;
  std::vector<std::string> reasons_{""};  // by tap_verdict.reason
};

}  // namespace clover
