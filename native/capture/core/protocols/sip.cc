#include "sip.h"

#include <algorithm>

#include "../conversation.h"
#include "../text_head.h"
#include "sip_calls.h"

namespace clover {
namespace {

using sip::Message;
using sip::Reading;

enum class Phase : u8 { seek, start, head, body };

// The messages of one end of a TCP connection.
struct Messages {
  Phase phase = Phase::start;
  TextHead head;
  Piece first;        // what carried its first byte, without the bytes
  u64 left = 0;       // of the body
  bool missing = false;  // a hole may have held messages
};

class Sip final : public Parser {
 public:
  explicit Sip(Conversation& talk)
      : talk_(talk), calls_(static_cast<sip::Calls&>(talk.pod_state("sip", sip::make_calls))) {}

  u32 read(Side from, const Piece& piece) override;
  void join(Side from) override { of(from).phase = Phase::seek; }
  void hole(Side from, u32 length, u64 time_ns) override;
  void end(Side from, u64) override { drop_head(of(from), "incomplete"); }
  // Transactions outlive their connections: the answer may come on another one.
  void close(const char*, u64) override {
    for (Messages* mine : {&asking_, &answering_}) drop_head(*mine, "incomplete");
  }
  std::string_view handed_over_as() const override { return "sip"; }
  void hand_over(State& state) override;
  bool idle() const override { return asking_.head.partial().empty() && answering_.head.partial().empty(); }

 private:
  Messages& of(Side from) { return from == Side::client ? asking_ : answering_; }
  u32 read_datagram(Side from, const Piece& piece);
  u32 read_head(Messages& mine, Side from, const Piece& piece);
  void on_head(Messages& mine, Side from, std::string_view block, u64 end_ns);
  void take(Side from, const Message& message, const Piece& first, u64 end_ns);
  void malformed(const Message& message, const Piece& first);
  void stop(const char* reason);
  void drop_head(Messages& mine, const char* reason);

  Conversation& talk_;
  sip::Calls& calls_;
  Messages asking_, answering_;
  bool seen_ = false;  // a message was read
};

bool is_blank(char c) { return c == '\r' || c == '\n'; }

void Sip::take(Side from, const Message& message, const Piece& first, u64 end_ns) {
  seen_ = true;
  bool to_pod = (from == Side::client) == talk_.pod_serves();
  calls_.take(talk_, to_pod, message, first, end_ns, of(other(from)).missing);
}

// A request that nobody can pair is one all the same.
void Sip::malformed(const Message& message, const Piece& first) {
  if (!message.response() && !message.is("ACK") && talk_.owns(first)) talk_.missed("malformed");
}

u32 Sip::read_datagram(Side from, const Piece& piece) {
  std::string_view bytes = piece.text();
  // Empty lines, or zeros, keep the way through a NAT open (RFC 5626 §3.5).
  if (std::all_of(bytes.begin(), bytes.end(), [](char c) { return is_blank(c) || c == 0; })) {
    talk_.parsed(piece.length);
    return piece.length;
  }
  size_t blank = 0;
  while (is_blank(bytes[blank])) blank++;
  bytes.remove_prefix(blank);
  size_t end = find_head_end(bytes, 0);
  bool starts = sip::starts_request(bytes) || sip::starts_response(bytes);
  if (end == 0 || end > kMaxHead || !starts) {
    if (sip::starts_request(bytes) && talk_.owns(piece)) talk_.missed("malformed");
    return 0;
  }
  Message message;
  Reading reading = sip::read_head(bytes.substr(0, end), message);
  u64 length = message.has_length ? message.length : bytes.size() - end;
  // A body that breaks off is a message that does (RFC 3261 §18.3).
  if (reading != Reading::sound || length > bytes.size() - end) {
    malformed(message, piece);
    return 0;
  }
  take(from, message, piece, piece.time_ns);
  u32 taken = static_cast<u32>(blank + end + length);
  talk_.parsed(taken);
  // What stands behind the message is none of it (§18.3).
  talk_.skipped("trailing", piece.length - taken);
  return piece.length;
}

u32 Sip::read(Side from, const Piece& given) {
  if (talk_.key().datagram) return read_datagram(from, given);
  Messages& mine = of(from);
  Piece piece = given;
  while (piece.length > 0 && talk_.stopped() == nullptr) {
    switch (mine.phase) {
      case Phase::seek:
        if (!sip::starts_request(piece.text()) && !sip::starts_response(piece.text())) {
          talk_.skipped("resync", piece.length);
          return given.length;
        }
        mine.phase = Phase::start;
        break;
      case Phase::start:
        // Empty lines before a message are allowed, and keep connections alive (§7.5, RFC 5626 §3.5.1).
        if (is_blank(static_cast<char>(*piece.data))) {
          talk_.parsed(1);
          piece.drop(1);
          break;
        }
        mine.phase = Phase::head;
        mine.first = piece;
        mine.first.data = nullptr;
        mine.first.length = 0;
        break;
      case Phase::head:
        piece.drop(read_head(mine, from, piece));
        break;
      case Phase::body: {
        auto n = static_cast<u32>(std::min<u64>(mine.left, piece.length));
        talk_.parsed(n);
        mine.left -= n;
        piece.drop(n);
        if (mine.left == 0) mine.phase = Phase::start;
      }
    }
  }
  return given.length - piece.length;
}

u32 Sip::read_head(Messages& mine, Side from, const Piece& piece) {
  TextHead::Whole whole;
  u32 taken = mine.head.read(talk_, piece, whole);
  if (!whole.block.empty()) {
    on_head(mine, from, whole.block, piece.time_ns);
    return taken;
  }
  std::string_view partial = mine.head.partial();
  if (!sip::may_start(partial) || mine.head.too_long()) {
    if (sip::starts_request(partial) && talk_.owns(mine.first)) talk_.missed("malformed");
    stop(seen_ ? "malformed" : "unrecognised");
  }
  return taken;
}

void Sip::on_head(Messages& mine, Side from, std::string_view block, u64 end_ns) {
  Message message;
  Reading reading = Reading::endless;
  bool starts = sip::starts_request(block) || sip::starts_response(block);
  if (starts) reading = sip::read_head(block, message);
  if (reading == Reading::sound) take(from, message, mine.first, end_ns);
  else if (starts) malformed(message, mine.first);
  if (reading == Reading::endless) {
    stop(seen_ || starts ? "malformed" : "unrecognised");
    return talk_.skipped(talk_.stopped(), block.size());
  }
  talk_.parsed(block.size());
  // Over a stream a message without a length has no body (§18.3 demands one).
  mine.left = message.length;
  mine.phase = mine.left > 0 ? Phase::body : Phase::start;
}

void Sip::drop_head(Messages& mine, const char* reason) {
  mine.head.drop(talk_, reason);
}

void Sip::stop(const char* reason) {
  talk_.stop(reason);
  for (Messages* mine : {&asking_, &answering_}) drop_head(*mine, reason);
}

void Sip::hand_over(State& state) {
  for (Messages* mine : {&asking_, &answering_}) {
    state.choice(mine->phase, Phase::body);
    mine->head.hand_over(talk_, state);
    clover::hand_over(state, mine->first);
    state.number(mine->left);
    state.flag(mine->missing);
  }
  state.flag(seen_);
}

void Sip::hole(Side from, u32 length, u64) {
  Messages& mine = of(from);
  if (mine.phase == Phase::body && length <= mine.left) {
    mine.left -= length;
    if (mine.left == 0) mine.phase = Phase::start;
    return;
  }
  if (sip::starts_request(mine.head.partial()) && talk_.owns(mine.first)) talk_.missed("hole");
  drop_head(mine, "resync");
  mine.phase = Phase::seek;
  mine.missing = true;
}

}  // namespace

Verdict detect_sip(std::string_view bytes, Side from, Where where) {
  while (!is_within(where) && !bytes.empty() && is_blank(bytes.front())) bytes.remove_prefix(1);
  if (where == Where::datagram) {
    // Which end is which does not matter to SIP: each may ask the other.
    bool yes = from == Side::client ? sip::starts_request(bytes) : sip::starts_response(bytes);
    return yes ? Verdict::yes : Verdict::no;
  }
  if (sip::starts_request(bytes) || sip::starts_response(bytes)) return Verdict::yes;
  if (is_within(where)) return Verdict::no;
  return bytes.empty() || sip::may_start(bytes) ? Verdict::maybe : Verdict::no;
}

std::unique_ptr<Parser> make_sip(Conversation& conversation) { return std::make_unique<Sip>(conversation); }

}  // namespace clover
