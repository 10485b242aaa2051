// Datagrams that a capture has twice, since it was taken at several interfaces that they passed.
#pragma once

#include <deque>
#include <unordered_map>

#include "common.h"

namespace clover {

// Tells a copy from a retransmission: it has the same IPv4 id, or none, the same bytes, and comes within 5
// ms.
class Copies {
 public:
  // Whether the datagram came before; remembers it.
  bool has(const Segment& datagram);

 private:
  struct Seen {
    u64 digest, time_ns;
  };

  std::unordered_map<u64, u64> times_;  // digest → when it came last
  std::deque<Seen> turns_;
};

}  // namespace clover
