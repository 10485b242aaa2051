#include "http2.h"

#include <algorithm>

#include "http1_head.h"
#include "http2_streams.h"

namespace clover {
namespace {

class Http2 final : public Parser {
 public:
  explicit Http2(Conversation& talk) : talk_(talk), streams_(talk) {}

  u32 read(Side from, const Piece& piece) override;
  void join(Side from) override { lose_track(from, 0); }
  void hole(Side from, u32 length, u64 time_ns) override;
  void end(Side from, u64 time_ns) override;
  void close(const char* cause, u64 time_ns) override;
  void expire(u64 now_ns) override { streams_.expire(now_ns); }
  bool idle() const override { return streams_.idle(); }
  std::string_view handed_over_as() const override { return "http2"; }
  void hand_over(State& state) override;

  void adopt(Request* request) { streams_.adopt(request); }

 private:
  Http2Frames& of(Side from) { return from == Side::client ? asking_ : answering_; }
  void lose_track(Side from, u64 time_ns);
  void stop(const char* reason);

  Conversation& talk_;
  Http2Streams streams_;
  Http2Frames asking_{Side::client, talk_, streams_}, answering_{Side::server, talk_, streams_};
};

u32 Http2::read(Side from, const Piece& given) {
  Http2Frames& mine = of(from);
  Piece piece = given;
  streams_.expire(piece.time_ns);
  while (piece.length > 0 && talk_.stopped() == nullptr) {
    piece.drop(mine.read(piece));
    if (mine.failed() == nullptr) continue;
    // What was taken for a frame after a hole was none.
    if (!mine.sure()) lose_track(from, piece.time_ns);
    else stop(mine.failed());
  }
  of(other(from)).allow(streams_.max_frame(from));
  return given.length - piece.length;
}

void Http2::lose_track(Side from, u64 time_ns) {
  of(from).seek("resync");
  streams_.lose_track(from, time_ns);
}

// Nothing that follows is read any more.
void Http2::stop(const char* reason) {
  talk_.stop(reason);
  for (Http2Frames* frames : {&asking_, &answering_}) frames->drop(reason);
  streams_.lose_all(reason);
}

void Http2::hole(Side from, u32 length, u64 time_ns) {
  if (!of(from).skip(length, time_ns)) lose_track(from, time_ns);
  else if (of(from).failed() != nullptr) stop(of(from).failed());
}

void Http2::end(Side from, u64 time_ns) {
  of(from).drop("incomplete");
  if (from == Side::client) streams_.drop_block();
  // The server has spoken its last word: an answer that is not whole will not be.
  else streams_.fail_all(time_ns);
}

void Http2::close(const char* cause, u64 time_ns) {
  if (cause != nullptr) streams_.lose_all(cause);
  else streams_.fail_all(time_ns);
  for (Side side : {Side::client, Side::server}) of(side).drop("incomplete");
  streams_.drop_block();
}

void Http2::hand_over(State& state) {
  streams_.hand_over(state);
  for (Http2Frames* frames : {&asking_, &answering_}) frames->hand_over(state);
}

// What a peer may write (RFC 9113 §8.3.1, §8.3.2).
bool sound_request(const Fields& fields) {
  if (fields.has(Field::method) && !is_token(fields[Field::method])) return false;
  if (fields.has(Field::scheme) && !is_token(fields[Field::scheme])) return false;
  std::string_view path = fields[Field::path];
  return !fields.has(Field::path) || (!path.empty() && (path[0] == '/' || path == "*"));
}

bool sound_status(std::string_view text) {
  return text.size() == 3 && text[0] >= '1' && text[0] <= '9' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A header block shows who sends it.
bool tells(std::string_view payload, Side from) {
  static thread_local Fields fields;
  fields.clear();
  Hpack unknown;
  unknown.forget();
  if (!unknown.decode(payload, false, fields)) return false;
  if (from == Side::server) return fields.has(Field::status) && sound_status(fields[Field::status]);
  bool asks = fields.has(Field::method) || fields.has(Field::path) || fields.has(Field::scheme);
  return asks && sound_request(fields);
}

bool starts_within(std::string_view bytes, Side from) {
  bool told = false;
  auto take = [&](const FrameHead& head, std::string_view payload) {
    bool plain = head.type == FrameType::headers && head.has(kEndHeaders) && !head.has(kPadded);
    if (told || !plain) return;
    size_t before = head.has(kHasPriority) ? 5 : 0;
    told = payload.size() > before && tells(payload.substr(before), from);
  };
  return are_frames(bytes, from, take) && told;
}

}  // namespace

Verdict detect_http2(std::string_view bytes, Side from, Where where) {
  if (where == Where::middle) return starts_within(bytes, from) ? Verdict::yes : Verdict::no;
  // Of a stream that lasts only data may come: its frames show neither end.
  if (where == Where::hinted) {
    bool frames = bytes.size() >= kFrameHead && are_frames(bytes, from, [](const FrameHead&, std::string_view) {});
    return frames ? Verdict::yes : Verdict::no;
  }
  if (from == Side::client) {
    size_t n = std::min(bytes.size(), kHttp2Preface.size());
    if (bytes.substr(0, n) != kHttp2Preface.substr(0, n)) return Verdict::no;
    return n == kHttp2Preface.size() ? Verdict::yes : Verdict::maybe;
  }
  // A server need not wait for the client: it begins with SETTINGS, on stream 0 and without flags.
  constexpr std::string_view kRest("\x04\0\0\0\0\0", 6);
  if (bytes.size() < kFrameHead) {
    bool may = (bytes.empty() || bytes[0] == 0) &&
               (bytes.size() <= 3 || bytes.substr(3) == kRest.substr(0, bytes.size() - 3));
    return may ? Verdict::maybe : Verdict::no;
  }
  FrameHead head = read_frame_head(reinterpret_cast<const u8*>(bytes.data()));
  bool sound = head.length <= kMinMaxFrame && head.length % 6 == 0 && bytes.substr(3, 6) == kRest;
  return sound ? Verdict::yes : Verdict::no;
}

std::unique_ptr<Parser> make_http2(Conversation& conversation) { return std::make_unique<Http2>(conversation); }

std::unique_ptr<Parser> make_upgraded_http2(Conversation& conversation, Request* first) {
  auto parser = std::make_unique<Http2>(conversation);
  parser->adopt(first);
  return parser;
}

}  // namespace clover
