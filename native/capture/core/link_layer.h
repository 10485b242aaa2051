// What stands before the network layer in a captured packet, by the link type of its interface.
#pragma once

#include "packet.h"

namespace clover {

inline constexpr u16 kIpv4Type = 0x0800, kIpv6Type = 0x86dd;
// LINKTYPE_ETHERNET.
inline constexpr u32 kEthernet = 1;

// Where a packet of the network layer begins, and its EtherType; 0: none that is known.
struct Network {
  size_t at = 0;
  u16 type = 0;
};

// Whether packets of this link type can be read (https://www.tcpdump.org/linktypes.html).
bool is_known_link(u32 link);
// The name of a link type, without `LINKTYPE_`; empty where it is not one that people meet.
std::string_view link_name(u32 link);

// Behind an Ethernet header at `at`, with up to two VLAN tags (802.1Q, 802.1ad).
Network read_ethernet(const Bytes& bytes, size_t at);
Network read_link(u32 link, const Bytes& bytes);

}  // namespace clover
