// What both ends of a hop see alike, so that two agents who never talk give its spans ids that fit.
#pragma once

#include "request.h"

namespace clover {

struct Hop {
  u64 id = 0;           // span id of the CLIENT span; 0: the ends have nothing in common
  std::string_view by;  // what it was made of, as `clover.hop` says it
};

// TCP: the sequence numbers of the request's first byte and of its response's, and the stream that it is on. Neither NAT nor a
// retransmission changes these; a proxy has two connections, and so two hops. Where there is no response, what the request
// acknowledged stands for it, which is the same wherever a response is due before the next request.
// SIP: the transaction (RFC 3261 §17.1.3). Nothing else over UDP says enough.
Hop hop_of(const Request& request);

}  // namespace clover
