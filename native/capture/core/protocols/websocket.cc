#include "websocket.h"

#include <algorithm>

#include "../attributes.h"
#include "../sparing.h"

namespace clover {
namespace {

constexpr u8 kFinal = 0x80, kMasked = 0x80, kControl = 0x8;
constexpr u64 kMaxControl = 125;
constexpr size_t kCode = 2;  // bytes of a Close frame's status code

enum Opcode : u8 { kContinuation = 0x0, kText = 0x1, kBinary = 0x2, kClose = 0x8, kPing = 0x9, kPong = 0xa };

bool is_known(u8 opcode) {
  return opcode <= kBinary || (opcode >= kClose && opcode <= kPong);
}

// The frames of one end (§5.2). Payload of extensions, such as compressed messages, counts as it is sent.
struct Frames {
  u8 head[14] = {};
  u8 got = 0;     // of the head
  u64 left = 0;   // of the payload
  bool fragmented = false;  // a message has begun and is not whole
  u8 code[kCode] = {};
  u64 taken = 0;  // of a Close frame's payload
  bool closed = false;
  u16 close_code = 0;  // 0: none was given
  Sparing sparing;
  u64 frames = 0, messages = 0, bytes = 0;

  u8 opcode() const { return head[0] & 0xf; }
  size_t extension() const { return (head[1] & 0x7f) == 127 ? 8 : (head[1] & 0x7f) == 126 ? 2 : 0; }
  size_t head_size() const { return 2 + extension() + (head[1] & kMasked ? 4 : 0); }
  u64 length() const {
    if (extension() == 0) return head[1] & 0x7f;
    u64 value = 0;
    for (size_t i = 0; i < extension(); i++) value = value << 8 | head[2 + i];
    return value;
  }
};

class WebSocket final : public Parser {
 public:
  WebSocket(Conversation& talk, const Request& handshake, const Piece& answer) : talk_(talk) {
    session_ = talk_.begin(answer, Side::client);
    session_->foreign = handshake.foreign;
    session_->lasting = session_->session = true;
    session_->sequenced = false;  // its ends are joined by their handshakes
    session_->context = talk_.below(handshake);
    session_->tracestate = handshake.tracestate;
    session_->name = "WebSocket session";
    Attributes(session_->attributes).text("network.protocol.name", "websocket");
    copy_attributes(handshake.attributes, session_->attributes, [](std::string_view key) {
      return key == "url.path" || key == "user_agent.original";
    });
    session_->host = handshake.host;
    session_->port = handshake.port;
    session_->host_unknown = handshake.host_unknown;
    talk_.count(session_);
  }

  // For hand_over().
  explicit WebSocket(Conversation& talk) : talk_(talk) {}

  u32 read(Side from, const Piece& piece) override;
  void join(Side) override { lose("hole"); }
  void hole(Side from, u32 length, u64 time_ns) override;
  void end(Side, u64) override {}
  void close(const char* cause, u64 time_ns) override;
  bool idle() const override { return session_ == nullptr; }
  std::string_view handed_over_as() const override { return "websocket"; }
  void hand_over(State& state) override;

 private:
  Frames& of(Side from) { return from == Side::client ? asking_ : answering_; }
  static void hand_over(State& state, Frames& frames, Side from);
  static bool is_sound(const Frames& mine, Side from);
  void read_head(Frames& mine, Side from, Piece& piece);
  void read_payload(Frames& mine, Side from, Piece& piece);
  void end_frame(Frames& mine, Side from, u64 time_ns);
  void describe();
  void finish(u64 time_ns);
  void lose(const char* cause);

  Conversation& talk_;
  Frames asking_, answering_;
  Request* session_ = nullptr;
  const Frames* closer_ = nullptr;  // who has sent Close first
};

u32 WebSocket::read(Side from, const Piece& given) {
  Frames& mine = of(from);
  Piece piece = given;
  while (piece.length > 0 && talk_.stopped() == nullptr) {
    if (mine.got < 2 || mine.got < mine.head_size()) read_head(mine, from, piece);
    else read_payload(mine, from, piece);
  }
  return given.length - piece.length;
}

void WebSocket::read_head(Frames& mine, Side from, Piece& piece) {
  mine.head[mine.got++] = *piece.data;
  talk_.parsed(1);
  u64 time_ns = piece.time_ns;
  piece.drop(1);
  if (mine.got < 2 || mine.got < mine.head_size()) return;
  if (!is_sound(mine, from)) {
    talk_.stop("malformed");
    return lose("malformed");
  }
  mine.left = mine.length();
  mine.taken = 0;
  mine.sparing.begin();
  if (mine.left == 0) end_frame(mine, from, time_ns);
}

// Only the bits of extensions are not looked at: what was agreed on is theirs (§9).
bool WebSocket::is_sound(const Frames& mine, Side from) {
  bool masked = mine.head[1] & kMasked, final = mine.head[0] & kFinal;
  if (!is_known(mine.opcode()) || masked != (from == Side::client) || mine.length() >> 63) return false;
  if (mine.opcode() & kControl) return final && mine.length() <= kMaxControl;
  return mine.fragmented == (mine.opcode() == kContinuation);
}

void WebSocket::read_payload(Frames& mine, Side from, Piece& piece) {
  auto n = static_cast<u32>(std::min<u64>(mine.left, piece.length));
  if (mine.opcode() == kClose) {
    const u8* mask = from == Side::client ? mine.head + mine.head_size() - 4 : nullptr;
    for (size_t i = 0; i < n && mine.taken + i < kCode; i++)
      mine.code[mine.taken + i] = static_cast<u8>(piece.data[i] ^ (mask != nullptr ? mask[mine.taken + i] : 0));
  }
  mine.taken += n;
  mine.left -= n;
  talk_.parsed(n);
  u64 time_ns = piece.time_ns;
  piece.drop(n);
  if (mine.left == 0) return end_frame(mine, from, time_ns);
  // The last byte tells when the frame has ended, and is read.
  mine.sparing.spare(talk_, from, piece.seq, mine.left - 1);
}

void WebSocket::end_frame(Frames& mine, Side from, u64 time_ns) {
  mine.got = 0;
  mine.frames++;
  if (!(mine.opcode() & kControl)) {
    bool final = mine.head[0] & kFinal;
    mine.bytes += mine.length();
    mine.fragmented = !final;
    mine.messages += final;
  } else if (mine.opcode() == kClose && !mine.closed) {
    mine.closed = true;
    if (mine.length() >= kCode) mine.close_code = static_cast<u16>(mine.code[0] << 8 | mine.code[1]);
    if (closer_ == nullptr) closer_ = &mine;
    if (of(other(from)).closed) {
      finish(time_ns);
      talk_.stop("after_close");
    }
  }
}

void WebSocket::describe() {
  Attributes out(session_->attributes);
  auto side = [&](const std::string& prefix, const Frames& frames) {
    out.number(prefix + "frames", frames.frames);
    out.number(prefix + "messages", frames.messages);
    out.number(prefix + "message_bytes", frames.bytes);
  };
  side("clover.websocket.client.", asking_);
  side("clover.websocket.server.", answering_);
  if (closer_ == nullptr) return;
  out.text("clover.websocket.closed_by", closer_ == &asking_ ? "client" : "server");
  if (closer_->close_code != 0) out.number("clover.websocket.close_code", closer_->close_code);
}

void WebSocket::finish(u64 time_ns) {
  describe();
  // §7.4.1: a purpose that is fulfilled, an end that goes away, and none that was given.
  u16 code = closer_ != nullptr ? closer_->close_code : 0;
  if (closer_ == nullptr) session_->error_type = "connection_closed";
  else if (code != 0 && code != 1000 && code != 1001) session_->error_type = std::to_string(code);
  bool error = !session_->error_type.empty();
  talk_.finish(std::exchange(session_, nullptr), time_ns, error);
}

void WebSocket::lose(const char* cause) {
  if (session_ == nullptr) return;
  if (Conversation::keeps(cause)) describe();
  talk_.lose(std::exchange(session_, nullptr), cause);
  talk_.stop("upgraded");
}

void WebSocket::hole(Side from, u32 length, u64 time_ns) {
  Frames& mine = of(from);
  bool within = mine.got >= 2 && mine.got == mine.head_size() && length <= mine.left;
  // What a Close frame said is not known.
  if (!within || (mine.opcode() == kClose && mine.taken < kCode)) return lose("hole");
  mine.left -= length;
  mine.taken += length;
  if (mine.left == 0) end_frame(mine, from, time_ns);
}

void WebSocket::close(const char* cause, u64 time_ns) {
  if (session_ == nullptr) return;
  if (cause != nullptr) lose(cause);
  else finish(time_ns);
}

void WebSocket::hand_over(State& state, Frames& frames, Side from) {
  for (u8& byte : frames.head) state.number(byte);
  for (u8& byte : frames.code) state.number(byte);
  state.numbers(frames.got, frames.left, frames.taken, frames.close_code, frames.frames, frames.messages, frames.bytes);
  state.flags(frames.fragmented, frames.closed);
  if (!state.reads()) return;
  bool reads_head = frames.got < 2 || frames.got < frames.head_size();
  state.require(frames.got <= (frames.got < 2 ? 2 : frames.head_size()));
  state.require(reads_head || (is_sound(frames, from) && frames.left > 0 && frames.left <= frames.length()));
}

void WebSocket::hand_over(State& state) {
  talk_.hand_over(state, session_, Counted::yes);
  hand_over(state, asking_, Side::client);
  hand_over(state, answering_, Side::server);
  bool closes = closer_ != nullptr, client = closer_ == &asking_;
  state.flags(closes, client);
  if (state.reads() && closes) closer_ = client ? &asking_ : &answering_;
  state.require(session_ != nullptr && session_->session);
}

}  // namespace

std::unique_ptr<Parser> make_websocket(Conversation& conversation) { return std::make_unique<WebSocket>(conversation); }

std::unique_ptr<Parser> make_websocket(Conversation& conversation, const Request& handshake, const Piece& answer) {
  return std::make_unique<WebSocket>(conversation, handshake, answer);
}

}  // namespace clover
