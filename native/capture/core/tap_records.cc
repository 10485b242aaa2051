#include "tap_records.h"

#include <algorithm>

namespace clover {
namespace {

Segment to_segment(const tap_record& record, u64 offset_ns) {
  Segment out;
  out.ifindex = record.point;
  out.session = record.session;
  out.to_pod = record.direction == TAP_TO_POD;
  out.time_ns = record.time_ns + offset_ns;
  out.monotonic_ns = record.time_ns;
  std::memcpy(out.source.data(), record.source, 16);
  std::memcpy(out.destination.data(), record.destination, 16);
  out.source_port = record.source_port;
  out.destination_port = record.destination_port;
  out.flags = record.tcp_flags;
  // A SYN flag on a later piece of one segment would not say what it means.
  if (record.chunk_offset > 0) out.flags &= static_cast<u8>(~kSyn);
  out.seq = record.seq + record.chunk_offset + (record.tcp_flags & kSyn ? 1 : 0);
  out.ack = record.ack;
  out.unwanted = record.chunk_length == 0 && record.payload_length > 0;
  out.last = out.unwanted || record.chunk_offset + record.chunk_length >= record.payload_length;
  if (out.unwanted) out.missing = record.payload_length;
  if (!out.last) out.flags &= static_cast<u8>(~(kFin | kRst));
  out.data = reinterpret_cast<const u8*>(&record + 1);
  out.length = record.chunk_length;
  return out;
}

}  // namespace

// Datagrams are cut apart here; of one that is longer than a record its end is missing.
void take_record(const tap_record& record, u64 offset_ns, const std::function<void(const Segment&)>& take) {
  Segment out = to_segment(record, offset_ns);
  u32 each = record.datagram_length;
  if (each == 0) return take(out);
  out.datagram = true;
  out.flags = 0;
  const u8* first = out.data;
  u32 rest = record.payload_length - record.chunk_offset;
  for (u32 at = 0; at < record.chunk_length; at += each) {
    u32 size = std::min(each, rest - at);
    out.data = first + at;
    out.length = std::min(size, record.chunk_length - at);
    out.missing = size - out.length;
    take(out);
  }
}

FlowKey key_of(const tap_record& told) {
  FlowKey key;
  key.ifindex = told.point;
  std::memcpy(key.pod.data(), told.source, 16);
  std::memcpy(key.peer.data(), told.destination, 16);
  key.pod_port = told.source_port;
  key.peer_port = told.destination_port;
  return key;
}

Dialed to_dialed(const tap_dialed& told) {
  Dialed out;
  out.key = key_of(told.record);
  std::memcpy(out.address.data(), told.address, 16);
  out.port = static_cast<u16>(told.port);
  return out;
}

}  // namespace clover
