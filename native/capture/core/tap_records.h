// Records of the kernel's ring, as the session takes them.
#pragma once

#include <functional>

#include "../bpf/tap.h"
#include "dialed.h"

namespace clover {

// Gives what a record of packets has: a piece of a TCP segment, or datagrams one by one. `offset_ns` is from the clock of records to Unix.
void take_record(const tap_record& record, u64 offset_ns, const std::function<void(const Segment&)>& take);

// Whose connection it is of which a socket tells.
FlowKey key_of(const tap_record& told);

Dialed to_dialed(const tap_dialed& told);

}  // namespace clover
