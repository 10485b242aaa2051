// A packet as somebody captured it: perhaps not to its end.
#pragma once

#include "common.h"

namespace clover {

// Bytes of which the first `size` are there, of `length` that were on the wire.
struct Bytes {
  const u8* data = nullptr;
  size_t size = 0;
  size_t length = 0;
};

inline u16 be16(const u8* p) { return static_cast<u16>(p[0] << 8 | p[1]); }
inline u32 be32(const u8* p) { return u32{be16(p)} << 16 | be16(p + 2); }

// One packet of a capture file.
struct Packet {
  u32 link = 0;  // LINKTYPE_ value
  u64 time_ns = 0;  // Unix
  Bytes bytes;
};

}  // namespace clover
