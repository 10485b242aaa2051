// Two ends that talk, whatever carries them: what a parser reads from and writes to.
#pragma once

#include <utility>

#include "parser.h"
#include "pod.h"

namespace clover {

class Connection;
class Session;

// The cause for which requests are closed that a recording has the end of no more: they are kept, as incomplete.
inline constexpr const char* kCaptureEnd = "capture_end";

// Why a conversation is not read whose protocol, or whose server, no Tap of its pod selects.
inline constexpr const char* kNotSelected = "not_selected";

// Whether the ledger has seen a request: its head was whole.
enum class Counted : u8 { no, yes };

// What carried the first byte of a message, without the bytes.
void hand_over(State& state, Piece& first);

// The bookkeeping between a parser and the session: roles, requests, the ledger of bytes.
class Conversation {
 public:
  Conversation(Session& session, Pod& pod, const FlowKey& key, u64 id, bool late);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // Of a session of TLS addresses and ports are 0, and their texts empty, until they are known.
  const FlowKey& key() const { return key_; }
  // Whether something was learned of it.
  bool locate(const FlowKey& key);
  u64 id() const { return id_; }
  // It began before the capture.
  bool late() const { return late_; }
  // The capture saw who opened it, or the bytes have told.
  bool has_roles() const { return has_roles_; }
  void set_roles(bool pod_serves);
  Side sender(bool to_pod) const { return to_pod == pod_serves_ ? Side::client : Side::server; }
  bool pod_serves() const { return pod_serves_; }
  // Other agents counted at this pod while it began (Pod::shadowed).
  bool shadowed() const { return pod_.shadowed; }
  // What the Taps of this pod say now.
  const Selection& selection() const { return pod_.selection; }
  bool selects(const Protocol& protocol) const;
  // What the port that is, or may be, the server's of this pod is said to speak; null where nothing is said.
  const Protocol* hint() const;
  // A SYN, or the answer to one, or of TLS the beginning of its handshake. After set_roles().
  void opens(bool answer, u64 time_ns);
  // Null where they are not known, or were told.
  const Phases* phases() const { return phases_.get(); }
  // The pod was told this address for a name that it had asked for.
  void resolved(std::string_view address, u64 start_ns, u64 end_ns) { pod_.lookups.answered(address, start_ns, end_ns); }
  struct End {
    std::string address;
    u16 port = 0;
  };
  // The client's end is a proxy's, and this is the client's own.
  void forwards(const Address& client, u16 port);
  // Null where nobody has said so.
  const End* forwarded() const { return forwarded_.get(); }
  // The pod has connected to this, which something on the way has made the peer of.
  void dials(const Address& named, u16 port);
  // Null where it was the peer itself, as far as is known.
  const End* dialed() const;
  // How many requests were counted here.
  u64 ordinals() const { return ordinals_; }
  // Whether what was sent this long before may have come before all that was seen at this pod.
  bool before_attach(u64 time_ns, u64 span_ns) const { return time_ns < pod_.first_ns + span_ns; }
  // Whether what begins at this time belongs to this session.
  bool owns(const Piece& piece) const;

  // A request begins with the first byte of a message of `from`. It is open and in nobody's count yet.
  Request* begin(const Piece& first, Side from);
  // The message was none, or will not be whole.
  void drop(Request* request);
  // It is one: counted from now on, until it is finished or lost.
  void count(Request* request);
  // What a request says of its trace that is a child of this one's span.
  TraceContext below(const Request& parent) const;
  // Where its evidence counts, if the pod serves it. Before count().
  void observe(Request* request);
  // Its response shows a stamp of the splitting point: it takes part in an experiment.
  void reveal(Request* request, std::string_view stamp);
  // `error`: what an experiment counts as one.
  void finish(Request* request, u64 end_ns, bool error);
  void lose(Request* request, const char* cause);
  // Whether a request that is lost for this becomes a span all the same.
  static bool keeps(const char* cause) { return cause != nullptr && std::string_view(cause) == kCaptureEnd; }
  // A request that was on the wire and that nobody could read.
  void missed(const char* cause);

  void parsed(u64 bytes);
  void skipped(std::string_view reason, u64 bytes);
  void pending(i64 bytes);
  // Pending bytes that a predecessor has read: they did not come up here.
  void inherit(u64 bytes);
  // Nobody has to see the next `length` bytes of this end, beginning with `seq`: they may come as holes, which are
  // skipped and not lost. Returns the sequence number behind those that were taken note of.
  u32 unwanted(Side from, u32 seq, u64 length);
  // Bytes that a parser keeps for longer than a message; a negative number gives them back.
  void keep(i64 bytes);
  // What requests that are open and bytes that are kept for them take, about.
  size_t weight() const { return weight_; }
  // All parsers together keep too much: what can be done without should go.
  bool scarce() const;
  // Header fields that were read, and those of them of which the name was told before the capture.
  void fields(u64 count, u64 unknown);

  // What the protocol knows of this pod; made when it is asked for first.
  PodState& pod_state(std::string_view protocol, std::unique_ptr<PodState> (*make)(Session&, Pod&));

  // Nothing that follows is read: it is skipped with this reason, if it comes up at all.
  void stop(const char* reason);
  // It comes up all the same: whoever hands it up may have forgotten.
  void skip_stopped(u32 length);
  const char* stopped() const { return stopped_; }
  // What was stopped is read after all, from somewhere in its midst.
  void resume();
  // Another protocol follows, beginning with the next byte.
  void hand_over(std::unique_ptr<Parser> next) { next_ = std::move(next); }
  std::unique_ptr<Parser> take_next() { return std::move(next_); }
  // Any protocol follows, beginning with the next byte of each end.
  void start_anew() { anew_ = true; }
  bool take_anew() { return std::exchange(anew_, false); }

  // Session::hand_over and take_over.
  void hand_over(State& state);
  // A request that is open, or null. A successor gets a copy that it follows, and does not count; null where it is not sound.
  void hand_over(State& state, Request*& request, Counted counted);

  // Their addresses; a connection has no room for the texts, which its spans alone need.
  std::string pod_text() const { return text_of(key_.pod); }
  std::string peer_text() const { return text_of(key_.peer); }

 private:
  void close(Request* request);
  const Connection* on_wire() const;
  Phases all_phases() const;
  void tell_stopped();
  std::string text_of(const Address& address) const;

  Session& session_;
  Pod& pod_;
  FlowKey key_;
  u64 id_;
  u64 ordinals_ = 0;
  size_t weight_ = 0;
  const char* stopped_ = nullptr;
  u64 stopped_told_ns_ = 0;
  std::unique_ptr<Phases> phases_;  // until its first request has told them
  std::unique_ptr<Parser> next_;
  std::unique_ptr<End> forwarded_, dialed_;
  bool late_;
  bool has_roles_ = false;
  bool pod_serves_ = false;
  bool anew_ = false;
};

}  // namespace clover
