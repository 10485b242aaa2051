#include "dns.h"

#include <algorithm>

#include "../framing.h"
#include "dns_span.h"

namespace clover {
namespace {

using dns::Message;

constexpr u64 kTimeout = 5'000'000'000;     // as resolvers wait by default (resolv.conf(5))
// A resolver that tries again does so just when its time is up: that is the same query.
constexpr u64 kGrace = 500'000'000;
constexpr size_t kMaxOpen = 1024;           // of one conversation
constexpr size_t kMaxKept = 4096;           // of a message over TCP that ends no transfer
constexpr size_t kLength = 2, kHeader = 12; // RFC 1035 §4.2.2, §4.1.1
constexpr u16 kMulticastDns = 5353, kLinkLocal = 5355;

bool is_multicast(const Address& address) {
  bool v4 = std::all_of(address.begin(), address.begin() + 10, [](u8 byte) { return byte == 0; }) &&
            address[10] == 0xff && address[11] == 0xff;
  return v4 ? address[12] >> 4 == 14 : address[0] == 0xff;
}

// Where in a zone transfer the answers have come to (RFC 5936 §2.2, RFC 1995 §4).
struct Transfer {
  bool incremental = false, begun = false, differences = false;
  u32 serial = 0;

  // True once the last record of the transfer was seen.
  bool take(const Message& answer) {
    if (answer.rcode != 0) return true;
    auto next = answer.serials.begin();
    if (!begun) {
      // What does not begin with the zone's SOA is no transfer; one record alone says that nothing is new.
      if (!answer.starts_with_soa || answer.serials.empty()) return true;
      begun = true;
      serial = *next++;
      differences = incremental && answer.second_is_soa;
      if (incremental && answer.answers == 1) return true;
    }
    // A full transfer ends with the SOA that it began with; in differences the newest additions begin with it.
    for (; next != answer.serials.end(); ++next) {
      if (differences && *next != serial) continue;
      if (!differences || std::exchange(additions, true)) return true;
    }
    return false;
  }

  void hand_over(State& state) {
    state.flags(incremental, begun, differences, additions);
    state.number(serial);
  }

 private:
  bool additions = false;
};

// A query that waits for its answer.
struct Open {
  Request* request;
  Side from;
  u16 id;
  bool transfers;
  bool doubt;  // its answer may have been in a hole
  u64 question;
  u64 sent_ns;  // the last time
  Transfer transfer;
  dns::Outcome outcome;
};

class Dns final : public Parser {
 public:
  explicit Dns(Conversation& talk);

  u32 read(Side from, const Piece& piece) override;
  void join(Side from) override;
  void hole(Side from, u32 length, u64 time_ns) override;
  void end(Side from, u64 time_ns) override;
  void close(const char* cause, u64 time_ns) override;
  void expire(u64 now_ns) override;
  bool idle() const override { return open_.empty(); }
  std::string_view handed_over_as() const override { return "dns"; }
  void hand_over(State& state) override;

 private:
  // The messages of one end of a TCP connection.
  struct Messages {
    FrameReader frames;
    bool seeks = false;    // waits for a segment that begins a message
    bool missing = false;  // a hole may have held messages
  };

  void hand_over(State& state, Open& one);
  Messages& of(Side from) { return from == Side::client ? asking_ : answering_; }
  Messages make(Side from);
  u32 read_datagram(Side from, const Piece& piece);
  bool take(Side from, const Frame& frame);
  void on_query(Side from, const Message& query, const Piece& first);
  void on_answer(Side from, const Message& answer, const Piece& first, u64 end_ns);
  void unasked(Side from, const Message& answer, const Piece& first);
  std::vector<Open>::iterator find(Side asker, u16 id, u64 question, bool any);
  void finish(std::vector<Open>::iterator at, u64 end_ns, std::string_view error, u16 rcode);
  void give_up(std::vector<Open>::iterator at, u64 end_ns, std::string_view error);
  void drop_stopped(u64 time_ns);
  void fail_all(u64 end_ns, std::string_view error);

  Conversation& talk_;
  Messages asking_, answering_;
  std::vector<Open> open_;
  u64 due_ns_ = UINT64_MAX;  // no query fails before
  // Queries that were answered lately: what still comes for them is a copy.
  std::array<u64, 16> answered_{};
  size_t answered_at_ = 0;
  bool seen_ = false;  // a message was read
};

size_t message_length(std::string_view bytes) {
  return static_cast<size_t>(static_cast<u8>(bytes[0])) << 8 | static_cast<u8>(bytes[1]);
}

bool plausible(std::string_view message, Side from) { return dns::may_start(message, from == Side::server); }

u64 mark_of(Side asker, u16 id, u64 question) {
  return mix(question ^ (u64{id} << 1 | (asker == Side::client)));
}

Dns::Dns(Conversation& talk) : talk_(talk), asking_(make(Side::client)), answering_(make(Side::server)) {
  // Nobody in particular is asked, anyone may answer, and from an address of its own.
  const FlowKey& key = talk.key();
  if (is_multicast(key.pod) || is_multicast(key.peer)) talk.stop("multicast");
}

Dns::Messages Dns::make(Side from) {
  auto size = [this, from](std::string_view header) -> std::optional<FrameSize> {
    std::string_view head = header.substr(kLength);
    if (seen_ ? !dns::is_header(head) : !plausible(head, from)) return std::nullopt;
    size_t length = message_length(header);
    bool whole = std::any_of(open_.begin(), open_.end(),
                             [&](const Open& one) { return one.transfers && one.from != from; });
    return FrameSize{kLength + length, whole ? kLength + length : kLength + kMaxKept};
  };
  auto whole = [this, from](const Frame& frame) { return take(from, frame); };
  return {FrameReader(talk_, from, kLength + kHeader, size, whole)};
}

u32 Dns::read(Side from, const Piece& piece) {
  if (talk_.stopped() != nullptr) {
    talk_.skipped(talk_.stopped(), piece.length);
    return piece.length;
  }
  if (talk_.key().datagram) return read_datagram(from, piece);
  if (piece.time_ns >= due_ns_) expire(piece.time_ns);
  Messages& mine = of(from);
  if (mine.seeks) {
    if (detect_dns(piece.text(), from, Where::middle) != Verdict::yes) {
      talk_.skipped("resync", piece.length);
      return piece.length;
    }
    mine.seeks = false;
  }
  u32 taken = mine.frames.read(piece);
  if (!mine.frames.sound()) talk_.stop(seen_ ? "malformed" : "unrecognised");
  drop_stopped(piece.time_ns);
  return taken;
}

// Nothing is read any more: what is open or kept of either end goes with it.
void Dns::drop_stopped(u64 time_ns) {
  if (talk_.stopped() == nullptr) return;
  for (Messages* one : {&asking_, &answering_}) one->frames.reset(talk_.stopped());
  while (!open_.empty()) give_up(open_.begin(), time_ns, "malformed");
}

u32 Dns::read_datagram(Side from, const Piece& piece) {
  Message message = dns::read_message(piece.text());
  if (!message.valid) {
    // The head of a query was there, though nobody could read what it asks.
    bool query = piece.length >= kHeader && !message.response && message.questions > 0;
    if (query && talk_.owns(piece)) talk_.missed("malformed");
    return 0;
  }
  talk_.parsed(message.read);
  if (message.response) on_answer(from, message, piece, piece.time_ns);
  else on_query(from, message, piece);
  // Only now: a query that is sent again just when its time is up is the same query.
  if (piece.time_ns >= due_ns_) expire(piece.time_ns);
  return static_cast<u32>(message.read);
}

bool Dns::take(Side from, const Frame& frame) {
  Message message = dns::read_message(frame.kept.substr(kLength));
  bool cut = frame.kept.size() < frame.total;
  bool sound = cut ? message.valid : message.whole && kLength + message.read == frame.total;
  if (!seen_ && !sound) {
    // It was taken for DNS because it is nothing else that is known.
    talk_.stop("unrecognised");
    return false;
  }
  seen_ = true;
  if (!message.valid) {
    if (!message.response && talk_.owns(frame.first)) talk_.missed("malformed");
    return true;
  }
  message.whole = message.whole || cut;
  if (message.response) on_answer(from, message, frame.first, frame.end_ns);
  else on_query(from, message, frame.first);
  return true;
}

std::vector<Open>::iterator Dns::find(Side asker, u16 id, u64 question, bool any) {
  return std::find_if(open_.begin(), open_.end(), [&](const Open& one) {
    return one.id == id && one.from == asker && (any || one.question == question);
  });
}

void Dns::on_query(Side from, const Message& query, const Piece& first) {
  // Stateful operations (RFC 8490) keep a session: nothing of them is a question.
  if (query.opcode == dns::kStateful) return;
  if (talk_.key().datagram) {
    auto known = find(from, query.id, query.fingerprint, false);
    if (known != open_.end()) {
      known->outcome.retransmissions++;
      known->sent_ns = first.time_ns;
      return;
    }
  }
  if (open_.size() >= kMaxOpen) {
    talk_.lose(open_.front().request, "too_many_open");
    open_.erase(open_.begin());
  }
  Request* request = talk_.begin(first, from);
  dns::describe_query(*request, query, talk_);
  talk_.observe(request);
  talk_.count(request);
  bool transfers = query.type == dns::kAxfr || query.type == dns::kIxfr;
  Open one{request, from, query.id, transfers, false, query.fingerprint, first.time_ns, {}, {}};
  one.transfer.incremental = query.type == dns::kIxfr;
  open_.push_back(std::move(one));
  due_ns_ = std::min(due_ns_, first.time_ns + kTimeout + kGrace);
}

void Dns::on_answer(Side from, const Message& answer, const Piece& first, u64 end_ns) {
  // An answer may leave the question out, where it is an error or goes on with a transfer (RFC 5936 §2.2.1).
  auto at = find(other(from), answer.id, answer.fingerprint, answer.questions == 0);
  if (at == open_.end()) return unasked(from, answer, first);
  Request& request = *at->request;
  request.answered(first);
  at->outcome.messages++;
  at->outcome.answers += answer.answers;
  at->outcome.truncated = at->outcome.truncated || answer.truncated;
  for (const std::string& address : answer.addresses)
    if (at->outcome.addresses.size() < dns::kMaxAddresses) at->outcome.addresses.push_back(address);
  // What the server says that it cut off is not missing.
  request.incomplete = request.incomplete || (!answer.whole && !answer.truncated);
  bool last = !at->transfers || talk_.key().datagram || at->transfer.take(answer);
  at->sent_ns = end_ns;
  if (last) finish(at, end_ns, "", answer.rcode);
}

// An answer whose query was not seen.
void Dns::unasked(Side from, const Message& answer, const Piece& first) {
  u64 mark = mark_of(other(from), answer.id, answer.fingerprint);
  if (std::find(answered_.begin(), answered_.end(), mark) != answered_.end()) return;
  answered_[answered_at_++ % answered_.size()] = mark;
  const FlowKey& key = talk_.key();
  for (u16 port : {key.pod_port, key.peer_port})
    if (key.datagram && (port == kMulticastDns || port == kLinkLocal)) return;
  if (!talk_.owns(first)) return;
  if (of(other(from)).missing) talk_.missed("hole");
  else if (talk_.before_attach(first.time_ns, kTimeout) && !talk_.shadowed()) talk_.missed("before_attach");
}

void Dns::finish(std::vector<Open>::iterator at, u64 end_ns, std::string_view error, u16 rcode) {
  Request* request = at->request;
  dns::describe_answer(*request, at->outcome, rcode);
  if (!request->server)
    for (const std::string& address : at->outcome.addresses) talk_.resolved(address, request->start_ns, end_ns);
  if (!error.empty()) request->error_type = error;
  answered_[answered_at_++ % answered_.size()] = mark_of(at->from, at->id, at->question);
  open_.erase(at);
  talk_.finish(request, end_ns, !request->error_type.empty());
}

// No answer comes any more. Where it may have been in a hole, the loss is ours.
void Dns::give_up(std::vector<Open>::iterator at, u64 end_ns, std::string_view error) {
  if (!at->doubt) return finish(at, end_ns, error, 0);
  Request* request = at->request;
  open_.erase(at);
  talk_.lose(request, "hole");
}

void Dns::fail_all(u64 end_ns, std::string_view error) {
  while (!open_.empty()) give_up(open_.begin(), end_ns, error);
}

void Dns::expire(u64 now_ns) {
  if (now_ns < due_ns_) return;
  due_ns_ = UINT64_MAX;
  for (size_t i = 0; i < open_.size();) {
    u64 end = open_[i].sent_ns + kTimeout;
    if (end + kGrace <= now_ns) {
      give_up(open_.begin() + static_cast<std::ptrdiff_t>(i), end, "timeout");
      continue;
    }
    due_ns_ = std::min(due_ns_, end + kGrace);
    i++;
  }
}

void Dns::join(Side from) { of(from).seeks = true; }

void Dns::hole(Side from, u32 length, u64 time_ns) {
  Messages& mine = of(from);
  // Inside of a message that is not kept to its end nothing is missing.
  if (!mine.seeks && mine.frames.skip(length, time_ns)) return drop_stopped(time_ns);
  mine.frames.reset("resync");
  mine.seeks = mine.missing = true;
  for (Open& one : open_)
    if (one.from != from) one.doubt = true;
}

void Dns::end(Side from, u64 time_ns) {
  of(from).frames.reset("incomplete");
  for (size_t i = 0; i < open_.size();) {
    if (open_[i].from == from) i++;
    else give_up(open_.begin() + static_cast<std::ptrdiff_t>(i), time_ns, "connection_closed");
  }
}

void Dns::close(const char* cause, u64 time_ns) {
  for (Messages* mine : {&asking_, &answering_}) mine->frames.reset("incomplete");
  for (; cause != nullptr && !open_.empty(); open_.pop_back()) {
    // Of what a recording has the end of no more it is still told how far it came.
    if (Conversation::keeps(cause)) dns::describe_answer(*open_.back().request, open_.back().outcome, 0);
    talk_.lose(open_.back().request, cause);
  }
  fail_all(time_ns, talk_.key().datagram ? "timeout" : "connection_closed");
}

void Dns::hand_over(State& state, Open& one) {
  state.choice(one.from, Side::server);
  state.numbers(one.id, one.question, one.sent_ns, one.outcome.messages, one.outcome.answers, one.outcome.retransmissions);
  state.flags(one.transfers, one.doubt, one.outcome.truncated);
  one.transfer.hand_over(state);
  state.list(one.outcome.addresses, dns::kMaxAddresses, [&](std::string& address) { state.text(address); });
  talk_.hand_over(state, one.request, Counted::yes);
  state.require(one.request != nullptr);
}

void Dns::hand_over(State& state) {
  for (Messages* mine : {&asking_, &answering_}) {
    mine->frames.hand_over(state);
    state.flags(mine->seeks, mine->missing);
  }
  state.list(open_, kMaxOpen, [&](Open& one) { hand_over(state, one); });
  if (!open_.empty() && open_.back().request == nullptr) open_.pop_back();
  for (u64& mark : answered_) state.number(mark);
  u64 answered = answered_at_ % answered_.size();
  state.numbers(due_ns_, answered);
  state.flag(seen_);
  answered_at_ = static_cast<size_t>(answered);
}

}  // namespace

Verdict detect_dns(std::string_view bytes, Side from, Where where) {
  bool response = from == Side::server;
  if (where == Where::datagram) return dns::is_message(bytes, response) ? Verdict::yes : Verdict::no;
  if (bytes.size() < kLength) return where == Where::start ? Verdict::maybe : Verdict::no;
  size_t length = message_length(bytes);
  std::string_view message = bytes.substr(kLength);
  if (length <= kHeader || !dns::may_start(message, response)) return Verdict::no;
  if (message.size() >= length)
    return dns::is_message(message.substr(0, length), response) ? Verdict::yes : Verdict::no;
  return where == Where::start ? Verdict::maybe : Verdict::no;
}

std::unique_ptr<Parser> make_dns(Conversation& conversation) { return std::make_unique<Dns>(conversation); }

}  // namespace clover
