// Captured frames as segments and datagrams.
#pragma once

#include "fragments.h"
#include "link_layer.h"
#include "wire.h"

namespace clover {

// Reads one Ethernet frame as bpf/tap.bpf.c does. False where it is nothing for the core.
bool read_frame(const u8* frame, size_t size, const tap_settings& settings, WireCounters& counters,
                Segment& out);

// Reads one packet of a capture file: any link type that is known; what is in VXLAN, GENEVE, GRE, IP in IP;
// fragments once they are whole. False where it is nothing for the core. The segment's bytes stay until the
// next call.
bool read_packet(const Packet& packet, Fragments& fragments, WireCounters& counters, Segment& out);

}  // namespace clover
