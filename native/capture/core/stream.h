// One direction of a TCP connection: its place in sequence space, and what waits for its turn.
#pragma once

#include <list>
#include <vector>

#include "piece.h"

namespace clover {

// An acknowledgement further ahead than any window in use is not believed.
inline constexpr i32 kMaxAhead = 1 << 24;

// A piece that came before its turn, with a copy of its bytes.
struct Held {
  Piece piece;
  u64 arrived_ns = 0;
  std::vector<u8> bytes;
};

// One direction of a connection: bytes in order, and what waits out of order.
struct Stream {
  bool to_pod = false;
  bool synced = false;
  bool by_syn = false;
  bool has_acked = false;
  bool fin = false;
  bool finished = false;  // everything up to the FIN was delivered
  u32 isn = 0;   // sequence of the first byte, where by_syn
  u32 next = 0;  // sequence that is due
  u32 missed = 0;  // bytes before it that never came up
  u32 acked = 0;  // the furthest that the other end has confirmed, where it has
  u32 fin_seq = 0, fin_ack = 0;
  u64 fin_arrived_ns = 0;
  std::list<Held> held;  // sorted by sequence; costs nothing while it is empty

  // What waits for its turn: a held piece, or the FIN.
  bool waiting() const { return !held.empty() || (fin && !finished); }
  u64 waiting_since() const { return held.empty() ? fin_arrived_ns : held.front().arrived_ns; }
  u32 waiting_seq() const { return held.empty() ? fin_seq : held.front().piece.seq; }
  u32 waiting_ack() const { return held.empty() ? fin_ack : held.front().piece.ack; }
  bool has_hole() const { return waiting() && seq_diff(waiting_seq(), next) > 0; }
  // The first sequence number that it has not got: what waits behind `next` without a hole is there.
  u32 reach() const {
    u32 end = next;
    for (const Held& one : held) {
      if (seq_diff(one.piece.seq, end) > 0) return end;
      u32 behind = one.piece.seq + one.piece.length;
      if (seq_diff(behind, end) > 0) end = behind;
    }
    return fin && end == fin_seq ? end + 1 : end;
  }

  void acknowledge(u32 ack) {
    // Until a byte is seen, what was confirmed first is where the stream stands.
    if (!has_acked && !synced) next = ack;
    if (!has_acked || seq_diff(ack, acked) > 0) acked = ack;
    has_acked = true;
  }
  // Bytes that crossed the wire, as the other end says, and were not delivered.
  u32 confirmed_ahead() const {
    i32 ahead = has_acked ? seq_diff(acked, next) : 0;
    return ahead > 0 && ahead < kMaxAhead ? static_cast<u32>(ahead) : 0;
  }

  // Where it stands is not known any more.
  void forget() { synced = by_syn = has_acked = false; }

  void sync(u32 seq, bool syn) {
    synced = true;
    by_syn = syn;
    isn = next = seq;
  }
};

}  // namespace clover
