// Small things that every part of the session core uses.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

namespace clover {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i16 = int16_t;
using i32 = int32_t;
using i64 = int64_t;

// IPv6, or IPv4 as ::ffff:a.b.c.d, in network order.
using Address = std::array<u8, 16>;

inline constexpr u8 kFin = 0x01;
inline constexpr u8 kSyn = 0x02;
inline constexpr u8 kRst = 0x04;
inline constexpr u8 kAck = 0x10;

// One piece of a TCP segment, or a UDP datagram, as it came from the kernel or from a replayed frame.
struct Segment {
  u32 ifindex = 0;
  bool to_pod = false;
  bool datagram = false;
  u64 session = 0;  // of TLS, whose plain text this is (bpf/tap.h)
  u64 time_ns = 0;  // Unix
  u64 monotonic_ns = 0;  // the same for everyone who saw the packet on this interface
  Address source{};
  Address destination{};
  u16 source_port = 0;
  u16 destination_port = 0;
  u32 seq = 0;  // of the piece's first byte (SYN not counted in)
  u32 ack = 0;
  u8 flags = 0;
  bool last = true;  // the piece that ends its segment
  u16 packet_id = 0;  // of its IPv4 packet; 0: none
  const u8* data = nullptr;
  u32 length = 0;
  u32 missing = 0;  // bytes behind these that whoever captured did not keep
  bool unwanted = false;  // these are missing since nobody wants them (Wish)

  u32 size() const { return length + missing; }
};

// Counts by cause or reason; few keys, asked rarely.
using Counts = std::map<std::string, u64, std::less<>>;

inline void add(Counts& counts, std::string_view key, u64 n) {
  if (n == 0) return;
  auto found = counts.find(key);
  if (found == counts.end()) counts.emplace(std::string(key), n);
  else found->second += n;
}

// Distance from b to a in sequence space.
inline i32 seq_diff(u32 a, u32 b) { return static_cast<i32>(a - b); }

// Finaliser of splitmix64: every input bit reaches every output bit.
inline u64 mix(u64 x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

inline u64 load64(const u8* p) {
  u64 v;
  std::memcpy(&v, p, 8);
  return v;
}

// Pod end and peer end of a connection, or of a flow of datagrams, on one interface.
struct FlowKey {
  Address pod{};
  Address peer{};
  u32 ifindex = 0;
  u16 pod_port = 0;
  u16 peer_port = 0;
  bool datagram = false;
  u64 session = 0;  // of TLS: it alone tells the flow, whose addresses may be known later, or never

  bool operator==(const FlowKey& o) const {
    if (session != 0 || o.session != 0) return session == o.session && ifindex == o.ifindex;
    return ifindex == o.ifindex && pod_port == o.pod_port && peer_port == o.peer_port &&
           datagram == o.datagram && pod == o.pod && peer == o.peer;
  }
  bool has_addresses() const { return pod_port != 0 || peer_port != 0; }
  u64 hash(u64 seed = 0) const {
    if (session != 0) return mix(seed ^ mix(session) ^ ifindex);
    u64 h = mix(seed ^ (u64{ifindex} << 32 | u64{pod_port} << 16 | peer_port)) ^ u64{datagram};
    h = mix(h ^ load64(pod.data())) ^ load64(pod.data() + 8);
    h = mix(h ^ load64(peer.data())) ^ load64(peer.data() + 8);
    return mix(h);
  }
};

// What a session wants no more of a flow, so that its source need not hand it up.
struct Wish {
  enum class Kind : u8 {
    all,      // it wants everything again
    range,    // it wants all but a range of a stream
    nothing,  // any more, for `reason`
  };
  FlowKey key;
  Kind kind = Kind::all;
  const char* reason = nullptr;
  bool to_pod = false;      // which stream
  u32 from = 0, until = 0;  // sequence numbers, `until` not included
};

// Hash of a flow key for tables. A client chooses its ports, and of IPv6 64 bits of its address: without a seed that it does not
// know, it could have all of its flows in one place of a table.
struct FlowHash {
  u64 seed;
  size_t operator()(const FlowKey& key) const { return key.hash(seed); }
  size_t operator()(const FlowKey* key) const { return key->hash(seed); }
};

// For tables of what has its key in itself.
struct SameFlow {
  bool operator()(const FlowKey* a, const FlowKey* b) const { return *a == *b; }
};

}  // namespace clover
