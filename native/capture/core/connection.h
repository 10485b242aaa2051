// A TCP connection on one interface. It delivers segments in causal order, so that arrival order,
// duplicates and overlaps never show: a segment waits for the bytes before it in its own stream,
// and for every byte of the other stream that it acknowledges. A parser reads what comes out.
#pragma once

#include <memory>
#include <vector>

#include "age_list.h"
#include "closed_socket.h"
#include "conversation.h"
#include "dialed.h"
#include "recogniser.h"
#include "stream.h"

namespace clover {

// Why a connection is over, or known no more: of `crowded` and `memory` there is no room for it.
enum class End : u8 { fin, reset, replaced, detached, idle, crowded, memory, capture_end };

// What was seen of a connection that is open. Where there is no room for all, those go first of which least was.
enum class Standing : u8 {
  opening,  // one end alone
  silent,   // both, and no data
  spoken,
};
inline constexpr size_t kStandings = 3;

// One TCP connection at one pod: both streams reassembled, recognised, and read by a parser.
class Connection {
 public:
  Connection(Session& session, Pod& pod, const FlowKey& key, const Segment& first);
  // For take_over().
  Connection(Session& session, Pod& pod, const FlowKey& key);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void segment(const Segment& segment);
  // Gives up waiting for what is overdue. Returns whether something still waits.
  bool resolve(u64 now_ns);
  // When something that waits is overdue, or UINT64_MAX.
  u64 due() const;
  void close(End end);
  // Nothing of it is wanted, and packets have come since this was asked before.
  bool goes_on_unseen();
  // Fails what has waited for longer than its protocol allows.
  void expire(u64 now_ns);
  // Begins or ceases to read, by what its pod's Taps select now.
  void select();
  // False where a SYN begins another connection with the same addresses.
  bool continues(const Segment& segment) const;

  // Steps over one hole that bytes wait for; false where none is there.
  bool fill_oldest_hole();
  // Lets go of what it holds, and of requests that are open; it is read on from its next message.
  void start_over(const char* cause);
  // Bytes that start_over() would free, about.
  size_t weight() const { return held_bytes_ + talk_.weight(); }

  // Whether a successor can go on with it.
  bool can_hand_over() const;
  // Session::hand_over and take_over; false where the bytes say nothing that can be.
  void hand_over(State& state);
  void go_on();
  // Has delivered bytes that the other one has not got.
  bool is_ahead_of(const Connection& other) const;

  // The oracle: whether the socket is an end of this connection, and how many bytes that it has counted never came up here.
  bool is_of(const ClosedSocket& socket) const;
  u64 unseen_of(const ClosedSocket& socket);
  // Where its streams stand says nothing: bytes of it were not minded.
  bool partly_read() const { return partly_read_ || talk_.stopped() != nullptr; }
  // Bytes came behind its end. After a reset nobody confirms them, unless its receiver has refused the reset (RFC 5961 §3).
  void goes_on() { went_on_ = true; }
  bool went_on() const { return went_on_; }
  // Bytes came up, and its socket was not compared with them. A session of TLS has none: what it says crossed that of another one.
  bool awaits_socket() const { return has_bytes_ && !compared_ && key().session == 0; }
  bool late() const { return talk_.late(); }

  bool closed() const { return closed_; }
  bool idle() const { return parser_ == nullptr || parser_->idle(); }
  // Time of the oldest piece that waits, or UINT64_MAX: a request may begin in it.
  u64 oldest_held() const;
  const FlowKey& key() const { return talk_.key(); }
  // Learns the addresses of a session of TLS, as far as `key` has them.
  void locate(const FlowKey& key) {
    if (talk_.locate(key)) select();
  }
  u64 id() const { return talk_.id(); }
  const Phases* phases() const { return talk_.phases(); }
  void dials(const Dialed& dialed) { talk_.dials(dialed.address, dialed.port); }
  const Conversation::End* dialed() const { return talk_.dialed(); }

  u64 last_seen_ns = 0;
  // In the session's lists of open ones, by last_seen_ns, and its place among those that wait.
  Standing standing = Standing::opening;
  Connection* before = nullptr;
  Connection* after = nullptr;
  static constexpr size_t kNotWaiting = SIZE_MAX;
  size_t waiting_at = kNotWaiting;

 private:
  // The first bytes of a connection, until they tell its protocol.
  struct Opening {
    struct Part {
      bool to_pod;
      Held held;
    };
    Recogniser recogniser;
    std::vector<Part> parts;
  };

  Stream& side(bool to_pod) { return to_pod ? in_ : out_; }
  Stream& peer_of(const Stream& stream) { return stream.to_pod ? out_ : in_; }
  bool skips(const Stream& mine) const { return talk_.stopped() != nullptr || mine.finished; }
  void skip(u32 length);

  // connection.cc: order
  void note_way(const Segment& segment);
  void synchronise(Stream& mine, const Segment& segment);
  void take_up(Stream& mine, u32 seq);
  void offer(Stream& mine, Piece piece);
  Held keep(const Piece& piece);
  void let_go(const Held& held);
  void hold(Stream& mine, const Piece& piece);
  bool waits(const Stream& mine, u32 ack, bool has_ack);
  bool trim(Stream& mine, Piece& piece);
  void leave_untaken(Stream& mine, u32 ack);
  void deliver(Stream& mine, const Piece& piece);
  void release(Stream& mine, std::list<Held>::iterator at);
  u64 overdue_at(const Stream& mine) const;
  void drain();
  bool drain_one(Stream& mine);
  u64 ended_by(const Stream& mine);
  void skip_to(Stream& mine, u32 seq);

  u64 opens_until() const;
  bool opens(u64 now_ns) const { return opens_until() > now_ns; }

  // reading.cc: protocols
  Parser* parser();
  void read_by(std::unique_ptr<Parser> parser);
  void read(bool to_pod, Piece piece);
  void recognise(bool to_pod, const Piece& piece);
  const Protocol* recognise_within(bool to_pod, const Piece& piece);
  void begin(const Protocol& protocol);
  void check_hint(const Protocol& spoken);
  void start(const Protocol& protocol);

  // handover.cc
  void hand_over(State& state, Stream& stream);
  void hand_over(State& state, Held& held);
  void settle();
  void miss(const Stream& mine, u32 length, u64 time_ns);
  void drop_opening(const char* reason);

  Session& session_;
  Pod& pod_;
  Conversation talk_;
  Stream in_, out_;
  const Protocol* protocol_ = nullptr;  // once it is told
  std::unique_ptr<Parser> parser_;  // parser() and read_by() have it
  std::unique_ptr<Opening> opening_;
  size_t held_bytes_ = 0;
  u64 last_piece_ns_ = 0;
  bool closed_ = false;
  bool resting_ = false;  // its parser was blank, and is made anew when it is needed
  bool within_ = false;  // its first bytes were not all seen: a message has to tell the protocol
  u32 left_out_ = 0;  // goes_on_unseen()
  u32 missed_[2] = {0, 0};  // bytes of holes before there was a parser
  bool seen_in_ = false, seen_out_ = false;
  bool one_way_ = false;  // counted as such in its pod
  bool has_bytes_ = false, partly_read_ = false, went_on_ = false, compared_ = false;
};

}  // namespace clover
