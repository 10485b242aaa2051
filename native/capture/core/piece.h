// Bytes of one end of a conversation, in the order in which they were sent.
#pragma once

#include "common.h"

namespace clover {

// Who sent something: the end that opened the conversation, or the one that accepted it.
enum class Side : u8 { client, server };

inline Side other(Side side) { return side == Side::client ? Side::server : Side::client; }

// Bytes in sequence, with what their segment said. A datagram is one piece.
struct Piece {
  const u8* data = nullptr;  // null: they crossed the wire, and the capture did not keep them
  u32 length = 0;
  u32 seq = 0;
  u32 ack = 0;
  bool has_ack = false;
  u64 time_ns = 0;
  u64 monotonic_ns = 0;
  bool unwanted = false;  // without data, since nobody wanted it

  std::string_view text() const { return {reinterpret_cast<const char*>(data), length}; }
  void drop(u32 n) {
    if (data != nullptr) data += n;
    length -= n;
    seq += n;
  }
};

}  // namespace clover
