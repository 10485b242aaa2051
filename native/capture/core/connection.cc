#include "connection.h"

#include <arpa/inet.h>

#include <algorithm>

#include "session.h"

namespace clover {
namespace {

constexpr size_t kMaxHeld = 4 * 1024 * 1024;      // per connection
constexpr size_t kMaxHeldInAll = 32 * 1024 * 1024;
constexpr size_t kHeldCost = sizeof(Held);
// What the other end has confirmed did cross the wire: it only has to come up from another CPU.
constexpr u64 kHoleWait = 1'000'000'000;

std::string address_text(const Address& address) {
  static constexpr u8 kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  char text[INET6_ADDRSTRLEN];
  if (std::memcmp(address.data(), kMapped, 12) == 0)
    inet_ntop(AF_INET, address.data() + 12, text, sizeof(text));
  else
    inet_ntop(AF_INET6, address.data(), text, sizeof(text));
  return text;
}

// The client's first sequence number where it is known: it tells reuses of the addresses apart.
u32 anchor(const Segment& first) {
  bool answer = (first.flags & kSyn) && (first.flags & kAck);
  return answer ? first.ack : first.seq;
}

}  // namespace

Connection::Connection(Session& session, Pod& pod, const FlowKey& key, const Segment& first)
    : session_(session), pod_(pod), key_(key), id_(mix(key.hash() ^ mix(anchor(first)))) {
  in_.to_pod = true;
  late_ = !(first.flags & kSyn);
  pod_text_ = address_text(key.pod);
  peer_text_ = address_text(key.peer);
}

Connection::~Connection() = default;

bool Connection::continues(const Segment& segment) const {
  if (!(segment.flags & kSyn)) return true;
  const Stream& mine = segment.to_pod ? in_ : out_;
  if (!mine.synced) return !late_ && !closed_;
  return mine.by_syn && mine.isn == segment.seq;
}

void Connection::synchronise(Stream& mine, const Segment& segment) {
  bool answer = segment.flags & kAck;
  if (!mine.synced) mine.sync(segment.seq, true);
  Stream& peer = peer_of(mine);
  if (answer && !peer.synced) peer.sync(segment.ack, true);
  if (role_known_) return;
  role_known_ = true;
  pod_serves_ = answer ? !segment.to_pod : segment.to_pod;
}

// No data comes before the other side has answered: where that is not seen, it passes elsewhere. It may be late, too.
void Connection::note_way(const Segment& segment) {
  if (late_ || (seen_in_ && seen_out_)) return;
  (segment.to_pod ? seen_in_ : seen_out_) = true;
  if (seen_in_ && seen_out_) {
    pod_.both_ways++;
    if (one_way_) pod_.one_way--;
  } else if (segment.length > 0 && !(segment.flags & kSyn) && !one_way_) {
    one_way_ = true;
    pod_.one_way++;
  }
}

void Connection::segment(const Segment& segment) {
  Stream& mine = side(segment.to_pod);
  last_seen_ns = session_.now_ns_;
  note_way(segment);
  if (segment.flags & kSyn) synchronise(mine, segment);
  bool has_ack = segment.flags & kAck;
  if (has_ack) peer_of(mine).acknowledge(segment.ack);
  // A reset stands behind all that its sender has sent.
  if (segment.flags & kRst) mine.acknowledge(segment.seq);
  if (segment.length > 0)
    offer(mine, {segment.data, segment.length, segment.seq, segment.ack, has_ack, segment.time_ns,
                 segment.monotonic_ns});
  if ((segment.flags & kFin) && segment.last && !mine.fin && mine.synced) {
    mine.fin = true;
    mine.fin_seq = segment.seq + segment.length;
    mine.fin_ack = has_ack ? segment.ack : peer_of(mine).next;
    mine.fin_arrived_ns = session_.now_ns_;
  }
  last_piece_ns_ = std::max(last_piece_ns_, segment.time_ns);
  drain();
  if (closed_) return;
  if (segment.flags & kRst) {
    close(End::reset);
  } else if (in_.waiting() || out_.waiting()) {
    while (held_bytes_ > kMaxHeld || (held_bytes_ > 0 && session_.held_bytes_ > kMaxHeldInAll))
      if (!fill_oldest_hole()) break;
    session_.await(*this);
  }
}

bool Connection::waits(const Stream& mine, u32 ack, bool has_ack) {
  const Stream& peer = peer_of(mine);
  if (!has_ack || !peer.synced || peer.finished) return false;
  i32 ahead = seq_diff(ack, peer.next);
  // A FIN takes one number and is delivered with the last byte.
  if (ahead == 1 && peer.fin && peer.next == peer.fin_seq) return false;
  return ahead > 0 && ahead < kMaxAhead;
}

// Cuts off what was delivered already; false where nothing is left.
bool Connection::trim(const Stream& mine, Piece& piece) {
  i32 ahead = seq_diff(piece.seq, mine.next);
  if (ahead >= 0) return true;
  u32 known = std::min(mine.next - piece.seq, piece.length);
  add(session_.ledger.skipped, "duplicate", known);
  piece.drop(known);
  return piece.length > 0;
}

void Connection::offer(Stream& mine, Piece piece) {
  if (skipping_ || closed_ || mine.finished) {
    add(session_.ledger.skipped, skipping_ ? skipping_ : "after_close", piece.length);
    return;
  }
  if (!mine.synced) mine.sync(piece.seq, false);
  if (!trim(mine, piece)) return;
  if (piece.seq != mine.next || waits(mine, piece.ack, piece.has_ack)) hold(mine, piece);
  else deliver(mine, piece);
}

void Connection::hold(Stream& mine, const Piece& piece) {
  // By sequence; of two copies the one that was sent first goes first.
  auto goes_before = [&](const Piece& other) {
    i32 ahead = seq_diff(other.seq, piece.seq);
    return ahead > 0 || (ahead == 0 && seq_diff(other.ack, piece.ack) > 0);
  };
  auto at = mine.held.end();
  while (at != mine.held.begin() && goes_before(std::prev(at)->piece)) --at;
  if (at != mine.held.begin()) {
    const Piece& before = std::prev(at)->piece;
    bool covered = seq_diff(before.seq + before.length, piece.seq + piece.length) >= 0;
    if (covered && seq_diff(piece.ack, before.ack) >= 0) {
      add(session_.ledger.skipped, "duplicate", piece.length);
      return;
    }
  }
  auto placed = mine.held.emplace(at);
  placed->bytes.assign(piece.data, piece.data + piece.length);
  placed->piece = piece;
  placed->piece.data = placed->bytes.data();
  placed->arrived_ns = session_.now_ns_;
  held_bytes_ += piece.length + kHeldCost;
  session_.held_bytes_ += piece.length + kHeldCost;
  session_.ledger.pending += piece.length;
}

void Connection::deliver(Stream& mine, const Piece& piece) {
  mine.next = piece.seq + piece.length;
  feed(mine, piece);
}

// Takes a held piece out and delivers what is new of it.
void Connection::release(Stream& mine, std::list<Held>::iterator at) {
  Held taken = std::move(*at);
  mine.held.erase(at);
  size_t cost = taken.piece.length + kHeldCost;
  held_bytes_ -= cost;
  session_.held_bytes_ -= cost;
  session_.ledger.pending -= taken.piece.length;
  if (skipping_ || mine.finished)
    add(session_.ledger.skipped, skipping_ ? skipping_ : "after_close", taken.piece.length);
  else if (trim(mine, taken.piece))
    deliver(mine, taken.piece);
}

bool Connection::drain_one(Stream& mine) {
  bool moved = false;
  for (auto at = mine.held.begin(); at != mine.held.end();) {
    const Piece& piece = at->piece;
    if (!skipping_ && !mine.finished) {
      if (seq_diff(piece.seq, mine.next) > 0) break;
      // A copy that was sent later may wait for more than the bytes themselves have to.
      if (waits(mine, piece.ack, piece.has_ack)) {
        ++at;
        continue;
      }
    }
    release(mine, at);
    moved = true;
    at = mine.held.begin();
  }
  if (mine.fin && !mine.finished && mine.held.empty()) {
    bool due = skipping_ || (seq_diff(mine.fin_seq, mine.next) <= 0 &&
                             !waits(mine, mine.fin_ack, true));
    if (due) {
      mine.finished = moved = true;
      mine.next = mine.fin_seq + 1;
      drop_head(mine, "incomplete");
      // The server has spoken its last word: an answer that is not whole will not be.
      if (role_known_ && !is_request(mine)) fail_open(last_piece_ns_);
    }
  }
  return moved;
}

void Connection::drain() {
  bool moved = true;
  while (moved && !closed_) {
    moved = drain_one(in_);
    moved = drain_one(out_) || moved;
  }
  if (!closed_ && in_.finished && out_.finished) close(End::fin);
}

// When to give up what the stream waits for, or UINT64_MAX. A hole that nobody has confirmed is a
// loss on the wire, and its sender will try again.
u64 Connection::overdue_at(const Stream& mine) const {
  if (!mine.waiting()) return UINT64_MAX;
  bool lost = mine.has_hole() && mine.confirmed_ahead() == 0;
  return mine.waiting_since() + (lost ? session_.settings.open_timeout_ns : kHoleWait);
}

u64 Connection::oldest_held() const {
  u64 oldest = UINT64_MAX;
  for (const Stream* stream : {&in_, &out_})
    for (const Held& held : stream->held) oldest = std::min(oldest, held.piece.time_ns);
  return oldest;
}

void Connection::skip_to(Stream& mine, u32 seq) {
  u32 gap = seq - mine.next;
  add(session_.ledger.lost, "hole", gap);
  mine.next = seq;
  if (mine.phase != Phase::body || !mine.body.skip(gap)) desynchronise(mine);
  else if (mine.body.done()) end_message(mine, {nullptr, 0, seq, 0, false, last_piece_ns_, 0});
}

// Steps over one hole; false where none is there.
bool Connection::fill_oldest_hole() {
  bool in_first = overdue_at(in_) <= overdue_at(out_);
  Stream* const streams[] = {in_first ? &in_ : &out_, in_first ? &out_ : &in_};
  for (Stream* mine : streams) {
    if (!mine->has_hole()) continue;
    Stream& peer = peer_of(*mine);
    u32 until = mine->waiting_seq();
    // Several answers may lie in it: what was sent after the first of them comes first.
    bool between = peer.waiting() && !peer.has_hole() && waits(peer, peer.waiting_ack(), true);
    if (between && seq_diff(peer.waiting_ack(), until) < 0) until = peer.waiting_ack();
    skip_to(*mine, until);
    drain();
    return true;
  }
  for (Stream* mine : streams) {
    if (!mine->waiting()) continue;
    u32 ack = mine->waiting_ack();
    Stream& peer = peer_of(*mine);
    // Only a retransmission after a loss makes two streams wait for each other.
    if (!mine->held.empty() && !peer.held.empty()) release(*mine, mine->held.begin());
    // What was acknowledged crossed the wire, though it never came up here.
    else if (waits(*mine, ack, true)) skip_to(peer, ack);
    drain();
    return true;
  }
  return false;
}

bool Connection::resolve(u64 now_ns) {
  while (!closed_ && (in_.waiting() || out_.waiting())) {
    if (std::min(overdue_at(in_), overdue_at(out_)) > now_ns) return true;
    if (!fill_oldest_hole()) return false;
  }
  return false;
}

}  // namespace clover
