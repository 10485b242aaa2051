#include "connection.h"

#include <algorithm>

#include "session.h"

namespace clover {
namespace {

constexpr size_t kMaxHeld = 4 * 1024 * 1024;      // per connection
constexpr size_t kMaxHeldInAll = 32 * 1024 * 1024;
constexpr size_t kHeldCost = sizeof(Held);
// What the other end has confirmed did cross the wire: it only has to come up from another CPU.
constexpr u64 kHoleWait = 1'000'000'000;

// The client's first sequence number where it is known: it tells reuses of the addresses apart.
u32 anchor(const Segment& first) {
  bool answer = (first.flags & kSyn) && (first.flags & kAck);
  return answer ? first.ack : first.seq;
}

// What requests are lost for that are open when it ends so, or null where they have failed.
const char* cause_of(End end) {
  switch (end) {
    case End::idle: return "idle";
    case End::detached: return "detached";
    case End::crowded: return "too_many_connections";
    case End::memory: return "memory";
    case End::capture_end: return kCaptureEnd;
    default: return nullptr;
  }
}

}  // namespace

Connection::Connection(Session& session, Pod& pod, const FlowKey& key, const Segment& first)
    : session_(session),
      pod_(pod),
      talk_(session, pod, key, mix(key.hash() ^ mix(anchor(first))), !(first.flags & kSyn)) {
  in_.to_pod = true;
  within_ = talk_.late();
}

Connection::Connection(Session& session, Pod& pod, const FlowKey& key)
    : session_(session), pod_(pod), talk_(session, pod, key, 0, true) {
  in_.to_pod = true;
  partly_read_ = true;
}

Connection::~Connection() = default;

bool Connection::continues(const Segment& segment) const {
  if (!(segment.flags & kSyn)) return true;
  const Stream& mine = segment.to_pod ? in_ : out_;
  if (!mine.synced) return !talk_.late() && !closed_;
  return mine.by_syn && mine.isn == segment.seq;
}

void Connection::synchronise(Stream& mine, const Segment& segment) {
  bool answer = segment.flags & kAck;
  if (!mine.synced) mine.sync(segment.seq, true);
  Stream& peer = peer_of(mine);
  if (answer && !peer.synced) peer.sync(segment.ack, true);
  talk_.set_roles(answer ? !segment.to_pod : segment.to_pod);
  talk_.opens(answer, segment.time_ns);
}

// No data comes before the other side has answered: where that is not seen, it passes elsewhere. It may be late, too.
void Connection::note_way(const Segment& segment) {
  if (talk_.late() || talk_.key().session != 0 || (seen_in_ && seen_out_)) return;
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
  if (segment.size() > 0) has_bytes_ = true;
  if (segment.flags & kSyn) synchronise(mine, segment);
  bool has_ack = segment.flags & kAck;
  if (has_ack) peer_of(mine).acknowledge(segment.ack);
  // A reset stands behind all that its sender has sent.
  if (segment.flags & kRst) mine.acknowledge(segment.seq);
  if ((segment.flags & kRst) && has_ack) leave_untaken(peer_of(mine), segment.ack);
  if (segment.length > 0)
    offer(mine, {segment.data, segment.length, segment.seq, segment.ack, has_ack, segment.time_ns,
                 segment.monotonic_ns});
  if (segment.missing > 0) {
    Piece piece{nullptr, segment.missing, segment.seq + segment.length, segment.ack, has_ack, segment.time_ns,
                segment.monotonic_ns};
    piece.unwanted = segment.unwanted;
    offer(mine, piece);
  }
  if ((segment.flags & kFin) && segment.last && !mine.fin) {
    // All that it sent was missed: it stands where the other end has said.
    if (!mine.synced) take_up(mine, mine.has_acked ? mine.next : segment.seq);
    mine.fin = true;
    mine.fin_seq = segment.seq + segment.size();
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
bool Connection::trim(Stream& mine, Piece& piece) {
  i32 ahead = seq_diff(piece.seq, mine.next);
  if (ahead >= 0) return true;
  u32 known = std::min(mine.next - piece.seq, piece.length);
  // It may be what a hole was made of.
  mine.missed -= std::min(mine.missed, known);
  add(session_.ledger.skipped, "duplicate", known);
  piece.drop(known);
  return piece.length > 0;
}

// Reads a stream from where it was met.
void Connection::take_up(Stream& mine, u32 seq) {
  mine.sync(seq, false);
  if (Parser* reader = parser()) reader->join(talk_.sender(mine.to_pod));
  else within_ = true;
}

void Connection::skip(u32 length) {
  if (talk_.stopped() != nullptr) talk_.skip_stopped(length);
  else talk_.skipped("after_close", length);
}

void Connection::offer(Stream& mine, Piece piece) {
  if (skips(mine) || closed_) return skip(piece.length);
  if (!mine.synced) take_up(mine, piece.seq);
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
  mine.held.insert(at, keep(piece));
}

// A copy that outlives the segment.
Held Connection::keep(const Piece& piece) {
  Held held;
  held.piece = piece;
  if (piece.data != nullptr) {
    held.bytes.assign(piece.data, piece.data + piece.length);
    held.piece.data = held.bytes.data();
  }
  held.arrived_ns = session_.now_ns_;
  held_bytes_ += held.bytes.size() + kHeldCost;
  session_.held_bytes_ += held.bytes.size() + kHeldCost;
  session_.held_length_ += piece.length;
  talk_.pending(piece.length);
  return held;
}

void Connection::let_go(const Held& held) {
  size_t cost = held.bytes.size() + kHeldCost;
  held_bytes_ -= cost;
  session_.held_bytes_ -= cost;
  session_.held_length_ -= held.piece.length;
  talk_.pending(-static_cast<i64>(held.piece.length));
}

// A reset says what its sender has got. What is missing behind that was lost on the wire, and nobody sends it again: it is no hole,
// and what came behind it did not reach the application either.
void Connection::leave_untaken(Stream& mine, u32 ack) {
  u32 reach = mine.next;
  auto untaken = [&](u32 seq) { return seq_diff(seq, reach) > 0 && seq_diff(seq, ack) > 0; };
  auto at = mine.held.begin();
  for (; at != mine.held.end() && !untaken(at->piece.seq); ++at) {
    u32 end = at->piece.seq + at->piece.length;
    if (seq_diff(end, reach) > 0) reach = end;
  }
  if (mine.fin && (at != mine.held.end() || untaken(mine.fin_seq))) mine.fin = false;
  while (at != mine.held.end()) {
    let_go(*at);
    talk_.skipped("incomplete", at->piece.length);
    at = mine.held.erase(at);
  }
}

void Connection::deliver(Stream& mine, const Piece& piece) {
  mine.next = piece.seq + piece.length;
  if (piece.data != nullptr) return read(mine.to_pod, piece);
  if (piece.unwanted) talk_.skipped("body", piece.length);
  else add(session_.ledger.lost, "snaplen", piece.length);
  miss(mine, piece.length, piece.time_ns);
}

// Takes a held piece out and delivers what is new of it.
void Connection::release(Stream& mine, std::list<Held>::iterator at) {
  Held taken = std::move(*at);
  mine.held.erase(at);
  let_go(taken);
  if (skips(mine)) skip(taken.piece.length);
  else if (trim(mine, taken.piece)) deliver(mine, taken.piece);
}

bool Connection::drain_one(Stream& mine) {
  bool moved = false;
  for (auto at = mine.held.begin(); at != mine.held.end();) {
    const Piece& piece = at->piece;
    if (!skips(mine)) {
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
    bool due = talk_.stopped() != nullptr || (seq_diff(mine.fin_seq, mine.next) <= 0 &&
                                               !waits(mine, mine.fin_ack, true));
    if (due) {
      mine.finished = moved = true;
      mine.next = mine.fin_seq + 1;
      if (Parser* reader = parser()) reader->end(talk_.sender(mine.to_pod), last_piece_ns_);
      settle();
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
  if (opens(session_.now_ns_))
    for (const Opening::Part& part : opening_->parts)
      oldest = std::min(oldest, part.held.piece.time_ns);
  return oldest;
}

// When what is missing of a stream had been sent, at the latest: before what comes behind it, and before what confirms it.
u64 Connection::ended_by(const Stream& mine) {
  u64 time_ns = mine.held.empty() ? last_piece_ns_ : mine.held.front().piece.time_ns;
  const Stream& peer = peer_of(mine);
  bool confirms = !peer.held.empty() && waits(peer, peer.waiting_ack(), true);
  return confirms ? std::min(time_ns, peer.held.front().piece.time_ns) : time_ns;
}

void Connection::skip_to(Stream& mine, u32 seq) {
  u32 gap = seq - mine.next;
  u64 time_ns = ended_by(mine);
  add(session_.ledger.lost, "hole", gap);
  mine.missed += gap;
  mine.next = seq;
  miss(mine, gap, time_ns);
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

// Whether a request may begin in first bytes of which the protocol is not told yet. As of a request
// that is open, nobody waits for more than the timeout.
u64 Connection::opens_until() const {
  if (opening_ == nullptr) return 0;
  return opening_->parts.front().held.arrived_ns + session_.settings.open_timeout_ns;
}

u64 Connection::due() const {
  u64 due = std::min(overdue_at(in_), overdue_at(out_));
  return opening_ == nullptr ? due : std::min(due, opens_until());
}

bool Connection::resolve(u64 now_ns) {
  while (!closed_ && (in_.waiting() || out_.waiting())) {
    if (std::min(overdue_at(in_), overdue_at(out_)) > now_ns) return true;
    if (!fill_oldest_hole()) break;
  }
  return !closed_ && opens(now_ns);
}

bool Connection::goes_on_unseen() {
  if (talk_.stopped() == nullptr || !session_.left_out_) return false;
  u32 count = session_.left_out_(key());
  bool more = std::exchange(left_out_, count) != count;
  if (more) last_seen_ns = session_.now_ns_;
  return more;
}

void Connection::close(End end) {
  if (closed_) return;
  if (end != End::detached) {
    while (talk_.stopped() == nullptr && fill_oldest_hole() && !closed_) continue;
    if (closed_) return;
    // An answer that crossed the wire and never came up is a loss of ours, not of the server.
    for (Stream* stream : {&in_, &out_})
      if (talk_.stopped() == nullptr && stream->confirmed_ahead() > 0) skip_to(*stream, stream->acked);
  }
  closed_ = true;
  if (parser_ != nullptr) parser_->close(cause_of(end), last_piece_ns_);
  read_by(nullptr);
  drop_opening("incomplete");
  for (Stream* stream : {&in_, &out_}) {
    for (const Held& held : stream->held) {
      let_go(held);
      talk_.skipped("incomplete", held.piece.length);
    }
    stream->held.clear();
  }
  session_.bury(*this);
}

}  // namespace clover
