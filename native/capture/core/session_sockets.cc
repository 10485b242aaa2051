// What sockets say of themselves: where they were to connect to, and, for the oracle, what they have counted, against what came up of
// their connections.
#include "session.h"

namespace clover {
namespace {

constexpr u32 kWindow = 1u << 30;  // the largest that TCP has (RFC 7323 §2.3)
// Bytes may come with the last packet of a handshake, which passes the programs before the socket is open.
constexpr i64 kOpening = 1'000'000'000;

// How far `a` is ahead of `b`; nothing where it is behind by no more than a window.
u32 ahead_of(u32 a, u32 b) {
  u32 ahead = a - b;
  return ahead > UINT32_MAX - kWindow ? 0 : ahead;
}

// The same, without a FIN that nobody has seen and that may be the last of them.
u32 bytes_ahead_of(u32 a, u32 b, bool fin_seen) {
  u32 ahead = ahead_of(a, b);
  return ahead > 0 && !fin_seen ? ahead - 1 : ahead;
}

// Bytes that a socket has counted and that never came up. That more came up is no difference: what was sent and not confirmed, or
// came and was not taken, as with a reset.
u64 unseen(const Stream& stream, const SequenceRange& counted) {
  if (!stream.synced) return bytes_ahead_of(counted.until, counted.from, false);
  u32 until = counted.until;
  if (stream.fin && until == stream.fin_seq + 1) until--;
  u64 sum = u64{stream.missed} + ahead_of(stream.isn, counted.from);
  u32 reach = stream.next;
  for (const Held& held : stream.held) {
    const Piece& piece = held.piece;
    if (seq_diff(piece.seq, until) >= 0) break;
    sum += ahead_of(piece.seq, reach);
    if (seq_diff(piece.seq + piece.length, reach) > 0) reach = piece.seq + piece.length;
  }
  return sum + bytes_ahead_of(until, reach, stream.fin);
}

}  // namespace

bool Connection::is_of(const ClosedSocket& socket) const {
  auto began = [](const Stream& stream, const SequenceRange& counted) {
    return !stream.by_syn || stream.isn == counted.from;
  };
  return began(in_, socket.received) && began(out_, socket.sent);
}

u64 Connection::unseen_of(const ClosedSocket& socket) {
  compared_ = true;
  return unseen(in_, socket.received) + unseen(out_, socket.sent);
}

// Why a socket cannot be compared, or null.
const char* Session::compare(const ClosedSocket& socket) {
  auto pod = pods_.find(socket.key.ifindex);
  if (pod == pods_.end()) return "detached";
  if (socket.watched_ns < 0) return "late";
  Connection* connection = known(socket.key);
  if (connection != nullptr && !connection->is_of(socket)) return "forgotten";
  if (connection != nullptr && connection->partly_read()) return "unread";
  u64 missing = connection != nullptr ? connection->unseen_of(socket)
                                      : unseen(Stream(), socket.received) + unseen(Stream(), socket.sent);
  // They may be the bytes behind its end, which are nobody's loss.
  if (missing > 0 && connection != nullptr && connection->went_on()) return "unread";
  bool whole = connection != nullptr && !connection->late();
  if (missing > 0 && !whole) {
    if (socket.watched_ns < kOpening) return "late";
    if (pod->second->unfollowed_ns + kOpening >= socket.opened_ns) return "forgotten";
  }
  ledger.sockets.compared++;
  if (missing > 0) add(ledger.sockets.differ, socket.lossy ? "lost" : "bypass", 1);
  return nullptr;
}

void Session::closed(const ClosedSocket& socket) {
  if (const char* why = compare(socket)) add(ledger.sockets.uncompared, why, 1);
}

void Session::dialed(const Dialed& dialed) {
  if (Connection* connection = known(dialed.key)) connection->dials(dialed);
}

// Nothing is known of it from here on; its socket may be open.
void Session::let_go(Connection& connection) {
  if (connection.awaits_socket()) pods_.at(connection.key().ifindex)->unfollowed_ns = now_ns_;
}

}  // namespace clover
