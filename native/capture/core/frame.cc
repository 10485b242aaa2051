#include "frame.h"

#include <algorithm>

namespace clover {
namespace {

constexpr int kMaxExtensions = 6, kMaxTunnels = 3;
constexpr u8 kIpInIp = 4, kTcp = 6, kUdp = 17, kIpv6InIp = 41, kGre = 47, kEsp = 50, kSctp = 132;
constexpr u8 kHopByHop = 0, kRouting = 43, kFragment = 44, kDestination = 60;
constexpr u16 kVxlanPort = 4789, kGenevePort = 6081, kEthernetInGre = 0x6558;

enum class Found { tcp, udp, tunnel, other, unreadable, fragment, held };

// What one IP header says.
struct Ip {
  u8 next = 0;
  size_t at = 0, end = 0;  // of what it carries, by its own word
  Fragment part;
  bool fragment = false, v6 = false;
};

Found kind_of(u8 protocol) {
  if (protocol == kTcp) return Found::tcp;
  if (protocol == kUdp) return Found::udp;
  return protocol == kIpInIp || protocol == kIpv6InIp || protocol == kGre ? Found::tunnel : Found::other;
}

Found read_v4(const Bytes& bytes, size_t at, Ip& ip, Segment& out) {
  if (at + 20 > bytes.size) return Found::unreadable;
  const u8* head = bytes.data + at;
  ip.next = head[9];
  u16 place = be16(head + 6);
  ip.part.offset = (place & 0x1fff) * 8u;
  if (kind_of(ip.next) == Found::other) return Found::other;
  size_t header = (head[0] & 15) * 4u;
  if (header < 20) return Found::unreadable;
  out.source = out.destination = Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::copy(head + 12, head + 16, out.source.begin() + 12);
  std::copy(head + 16, head + 20, out.destination.begin() + 12);
  out.packet_id = be16(head + 4);
  ip.fragment = place & 0x3fff;
  ip.part.id = out.packet_id;
  ip.part.more = place & 0x2000;
  ip.at = at + header;
  ip.end = be16(head + 2) ? at + be16(head + 2) : bytes.length;
  return kind_of(ip.next);
}

// From an extension header or the transport's on.
Found walk_v6(const Bytes& bytes, Ip& ip) {
  for (int i = 0; i < kMaxExtensions; i++) {
    if (kind_of(ip.next) != Found::other) return kind_of(ip.next);
    if (ip.next != kHopByHop && ip.next != kRouting && ip.next != kDestination && ip.next != kFragment)
      return Found::other;
    if (ip.at + 4 > bytes.size) return Found::unreadable;
    const u8* head = bytes.data + ip.at;
    bool fragment = ip.next == kFragment;
    bool has_id = ip.at + 8 <= bytes.size;
    ip.next = head[0];
    ip.at += fragment ? 8 : (head[1] + 1) * 8u;
    if (!fragment) continue;
    u16 place = be16(head + 2);
    ip.part.id = has_id ? be32(head + 4) : 0;
    ip.part.offset = place & 0xfff8u;
    ip.part.more = place & 1;
    ip.fragment = ip.part.offset != 0 || ip.part.more;
    // What follows is no header, but a piece of something.
    if (ip.part.offset != 0) return kind_of(ip.next);
  }
  return Found::unreadable;
}

Found read_v6(const Bytes& bytes, size_t at, Ip& ip, Segment& out) {
  if (at + 40 > bytes.size) return Found::unreadable;
  const u8* head = bytes.data + at;
  std::copy(head + 8, head + 24, out.source.begin());
  std::copy(head + 24, head + 40, out.destination.begin());
  out.packet_id = 0;
  ip.v6 = true;
  ip.next = head[6];
  ip.at = at + 40;
  ip.end = be16(head + 4) ? ip.at + be16(head + 4) : bytes.length;
  return walk_v6(bytes, ip);
}

// What else a packet carries, as the kernel program counts it.
tap_other other_of(u8 protocol) {
  switch (protocol) {
    case kSctp: return TAP_SCTP;
    case kGre: return TAP_GRE;
    case kEsp: return TAP_ESP;
    case kFragment: return TAP_LATER_FRAGMENT;
    case kIpInIp: case kIpv6InIp: return TAP_NESTED;
    default: return TAP_OTHER_PROTOCOL;
  }
}

Network read_gre(const Bytes& bytes, size_t at) {
  if (at + 4 > bytes.size) return {};
  u16 flags = be16(bytes.data + at), type = be16(bytes.data + at + 2);
  // Checksum, key and sequence number (RFC 2784, 2890); routing (RFC 1701) and PPTP's version are nobody's
  // any more.
  if (flags & 0x4007) return {};
  at += 4 + (flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0);
  return type == kEthernetInGre ? read_ethernet(bytes, at) : Network{at, type};
}

// A datagram of VXLAN (RFC 7348) or GENEVE (RFC 8926): not by its port alone.
Network read_overlay(const Bytes& bytes, size_t at, bool in_kernel) {
  if (at + 16 > bytes.size) return {};
  u16 port = be16(bytes.data + at + 2);
  const u8* head = bytes.data + at + 8;
  if (port == kVxlanPort && head[0] == 0x08 && (head[1] | head[2] | head[3] | head[7]) == 0)
    return read_ethernet(bytes, at + 16);
  if (!in_kernel && port == kGenevePort && head[0] >> 6 == 0 && be16(head + 2) == kEthernetInGre && head[7] == 0)
    return read_ethernet(bytes, at + 16 + (head[0] & 63) * 4u);
  return {};
}

// What a tunnel carries, if this is one whose inside can be told. The kernel program opens those alone which `in_kernel` leaves.
Network inside(const Bytes& bytes, const Ip& ip, Found found, bool in_kernel) {
  if (found == Found::udp) {
    Network network = read_overlay(bytes, ip.at, in_kernel);
    return network.type == kIpv4Type || network.type == kIpv6Type ? network : Network{};
  }
  if (ip.next == kGre) return in_kernel ? Network{} : read_gre(bytes, ip.at);
  return {ip.at, ip.next == kIpInIp ? kIpv4Type : kIpv6Type};
}

// The transport's header of the innermost packet. Without `fragments` as the kernel program has it, which puts none together.
Found locate(Bytes& bytes, Network network, Fragments* fragments, u64 time_ns, Segment& out, Ip& ip) {
  const bool in_kernel = fragments == nullptr;
  bool part = false;
  for (int left = in_kernel ? TAP_MAX_TUNNELS : kMaxTunnels;; left--) {
    ip = Ip{};
    Found found = network.type == kIpv4Type   ? read_v4(bytes, network.at, ip, out)
                  : network.type == kIpv6Type ? read_v6(bytes, network.at, ip, out)
                                              : Found::other;
    if (found == Found::unreadable) return found;
    if (ip.part.offset != 0 && (in_kernel || found == Found::other)) {
      ip.next = kFragment;
      return Found::other;
    }
    if (found == Found::other) return found;
    part = part || ip.fragment;
    if (!in_kernel && ip.fragment) {
      size_t end = std::min(ip.end, bytes.length);
      if (ip.at >= bytes.size || ip.at >= end) return Found::unreadable;
      ip.part.source = out.source;
      ip.part.destination = out.destination;
      ip.part.protocol = ip.next;
      ip.part.v6 = ip.v6;
      ip.part.payload = {bytes.data + ip.at, std::min(bytes.size, end) - ip.at, end - ip.at};
      bytes = fragments->add(ip.part, time_ns);
      if (bytes.size == 0) return Found::held;
      ip.at = 0;
      ip.end = bytes.length;
      found = ip.v6 ? walk_v6(bytes, ip) : kind_of(ip.next);
    }
    if (found != Found::udp && found != Found::tunnel) return found;
    network = left > 0 ? inside(bytes, ip, found, in_kernel) : Network{};
    if (network.type == 0 && found == Found::tunnel) return Found::other;
    // The first piece of a datagram is not one.
    if (network.type == 0) return in_kernel && part ? Found::fragment : found;
    // The tunnel's own word of its end holds for what is in it.
    bytes.length = std::min(bytes.length, std::max(ip.end, ip.at));
    bytes.size = std::min(bytes.size, bytes.length);
  }
}

// The payload that lies between `from` and `end`, as far as it is there.
void set_payload(const Bytes& bytes, size_t from, size_t end, Segment& out) {
  size_t there = std::min(end, bytes.size);
  out.length = there > from ? static_cast<u32>(there - from) : 0;
  size_t missing_from = std::max(from, there);
  out.missing = end > missing_from ? static_cast<u32>(end - missing_from) : 0;
  out.data = bytes.data + std::min(from, bytes.size);
}

// False where it is nothing for the core.
bool read_tcp(const Bytes& bytes, size_t at, size_t end, Segment& out) {
  const u8* tcp = bytes.data + at;
  set_payload(bytes, at + (tcp[12] >> 4) * 4u, end, out);
  out.flags = tcp[13];
  out.seq = be32(tcp + 4) + (out.flags & kSyn ? 1 : 0);
  out.ack = be32(tcp + 8);
  return out.size() > 0 || (out.flags & (kSyn | kFin | kRst));
}

bool read_udp(const Bytes& bytes, size_t at, size_t end, Segment& out) {
  const u8* udp = bytes.data + at;
  // A length of 0 is that of a jumbogram (RFC 2675).
  size_t length = be16(udp + 4) ? be16(udp + 4) : end - at;
  out.datagram = true;
  set_payload(bytes, at + 8, std::min(end, at + std::max<size_t>(length, 8)), out);
  return out.size() > 0;
}

bool read(Bytes bytes, Network network, const tap_settings& settings, Fragments* fragments, u64 time_ns,
          WireCounters& counters, Segment& out) {
  Ip ip;
  Found found = locate(bytes, network, fragments, time_ns, out, ip);
  // What is no IP is no packet at all.
  if (found == Found::other && ip.next != 0) counters.others[other_of(ip.next)]++;
  if (found == Found::other || found == Found::held) return false;
  size_t header = found == Found::tcp ? 20 : 8;
  size_t end = std::min(ip.end, bytes.length);
  if (found == Found::fragment || found == Found::unreadable || ip.at + header > bytes.size) {
    int cause = found == Found::fragment ? TAP_FRAGMENT : TAP_UNREADABLE;
    counters.lost_segments[cause]++;
    // Cut within the transport's header: its payload is known by its length alone.
    if (found != Found::fragment && found != Found::unreadable && end > ip.at + header) {
      counters.payload_bytes += end - ip.at - header;
      counters.lost_bytes[cause] += end - ip.at - header;
    }
    return false;
  }
  end = std::max(end, ip.at + header);
  const u8* head = bytes.data + ip.at;
  if (!(found == Found::tcp ? read_tcp(bytes, ip.at, end, out) : read_udp(bytes, ip.at, end, out))) return false;
  out.source_port = be16(head);
  out.destination_port = be16(head + 2);
  if (!is_traced(settings, out.source_port, out.destination_port)) return false;
  counters.segments++;
  counters.payload_bytes += out.size();
  if ((found == Found::tcp && head[12] >> 4 < 5) || out.size() > TAP_MAX_PAYLOAD) {
    counters.lost_segments[TAP_UNREADABLE]++;
    counters.lost_bytes[TAP_UNREADABLE] += out.size();
    return false;
  }
  return true;
}

}  // namespace

bool read_frame(const u8* frame, size_t size, const tap_settings& settings, WireCounters& counters,
                Segment& out) {
  Bytes bytes{frame, size, size};
  return read(bytes, read_ethernet(bytes, 0), settings, nullptr, 0, counters, out);
}

bool read_packet(const Packet& packet, Fragments& fragments, WireCounters& counters, Segment& out) {
  static constexpr tap_settings kAll{1, {}};
  Network network = read_link(packet.link, packet.bytes);
  return read(packet.bytes, network, kAll, &fragments, packet.time_ns, counters, out);
}

}  // namespace clover
