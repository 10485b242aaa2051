#include <algorithm>

#include "wire.h"

namespace clover {
namespace {

constexpr int kMaxTags = 2, kMaxExtensions = 6;
constexpr u8 kTcp = 6, kUdp = 17, kHopByHop = 0, kRouting = 43, kFragment = 44, kDestination = 60;

u16 be16(const u8* p) { return static_cast<u16>(p[0] << 8 | p[1]); }
u32 be32(const u8* p) { return u32{be16(p)} << 16 | be16(p + 2); }

// Where the transport's header begins, and what IP says is the end.
struct Place {
  size_t at = 0, end = 0;
};

enum class Found { tcp, udp, other, unreadable, fragment };

bool is_transport(u8 protocol) { return protocol == kTcp || protocol == kUdp; }

Found locate_v4(const u8* frame, size_t size, size_t at, Segment& out, Place& place) {
  if (at + 20 > size) return Found::unreadable;
  const u8* ip = frame + at;
  if (!is_transport(ip[9])) return Found::other;
  size_t header = (ip[0] & 15) * 4u;
  if (header < 20) return Found::unreadable;
  if (be16(ip + 6) & 0x1fff) return Found::fragment;
  out.source[10] = out.source[11] = out.destination[10] = out.destination[11] = 0xff;
  std::copy(ip + 12, ip + 16, out.source.begin() + 12);
  std::copy(ip + 16, ip + 20, out.destination.begin() + 12);
  place.at = at + header;
  place.end = be16(ip + 2) ? at + be16(ip + 2) : size;
  return ip[9] == kTcp ? Found::tcp : Found::udp;
}

Found locate_v6(const u8* frame, size_t size, size_t at, Segment& out, Place& place) {
  if (at + 40 > size) return Found::unreadable;
  const u8* ip = frame + at;
  u8 next = ip[6];
  std::copy(ip + 8, ip + 24, out.source.begin());
  std::copy(ip + 24, ip + 40, out.destination.begin());
  at += 40;
  place.end = be16(ip + 4) ? at + be16(ip + 4) : size;
  for (int i = 0; i < kMaxExtensions; i++) {
    if (is_transport(next)) {
      place.at = at;
      return next == kTcp ? Found::tcp : Found::udp;
    }
    if (next != kHopByHop && next != kRouting && next != kDestination && next != kFragment)
      return Found::other;
    if (at + 4 > size) return Found::unreadable;
    const u8* head = frame + at;
    if (next == kFragment && be16(head + 2) >> 3)
      return is_transport(head[0]) ? Found::fragment : Found::other;
    at += next == kFragment ? 8 : (head[1] + 1) * 8u;
    next = head[0];
  }
  return Found::unreadable;
}

Found locate(const u8* frame, size_t size, Segment& out, Place& place) {
  size_t at = 14;
  for (int tags = 0; at <= size; tags++, at += 4) {
    u16 type = be16(frame + at - 2);
    if ((type == 0x8100 || type == 0x88a8) && tags < kMaxTags) continue;
    if (type == 0x0800) return locate_v4(frame, size, at, out, place);
    if (type == 0x86dd) return locate_v6(frame, size, at, out, place);
    break;
  }
  return Found::other;
}

// The payload, where it is one that the core reads.
bool read_tcp(const u8* tcp, size_t at, size_t end, Segment& out) {
  size_t from = at + (tcp[12] >> 4) * 4u;
  out.length = end > from ? static_cast<u32>(end - from) : 0;
  out.flags = tcp[13];
  out.seq = be32(tcp + 4) + (out.flags & kSyn ? 1 : 0);
  out.ack = be32(tcp + 8);
  out.data = tcp + (from - at);
  return out.length > 0 || (out.flags & (kSyn | kFin | kRst));
}

bool read_udp(const u8* udp, size_t at, size_t end, Segment& out) {
  // A length of 0 is that of a jumbogram (RFC 2675).
  size_t length = be16(udp + 4) ? be16(udp + 4) : end - at;
  out.datagram = true;
  out.length = static_cast<u32>(std::min(end, at + std::max<size_t>(length, 8)) - at - 8);
  out.data = udp + 8;
  return out.length > 0;
}

}  // namespace

bool read_frame(const u8* frame, size_t size, const tap_settings& settings, WireCounters& counters,
                Segment& out) {
  Place place;
  Found found = locate(frame, size, out, place);
  if (found == Found::other) return false;
  size_t header = found == Found::tcp ? 20 : 8;
  if (found == Found::fragment || found == Found::unreadable || place.at + header > size) {
    counters.lost_segments[found == Found::fragment ? TAP_FRAGMENT : TAP_UNREADABLE]++;
    return false;
  }
  const u8* head = frame + place.at;
  size_t end = std::max(std::min(place.end, size), place.at + header);
  bool bytes = found == Found::tcp ? read_tcp(head, place.at, end, out) : read_udp(head, place.at, end, out);
  if (!bytes) return false;
  out.source_port = be16(head);
  out.destination_port = be16(head + 2);
  if (!is_traced(settings, out.source_port, out.destination_port)) return false;
  counters.segments++;
  counters.payload_bytes += out.length;
  if ((found == Found::tcp && head[12] >> 4 < 5) || out.length > TAP_MAX_PAYLOAD) {
    counters.lost_segments[TAP_UNREADABLE]++;
    counters.lost_bytes[TAP_UNREADABLE] += out.length;
    return false;
  }
  return true;
}

}  // namespace clover
