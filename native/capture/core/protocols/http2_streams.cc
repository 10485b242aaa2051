#include "http2_streams.h"

#include <algorithm>
#include <utility>

#include "../grpc_span.h"
#include "../request.h"

namespace clover {
namespace {

// How long a stream may show nothing after a hole before it is taken for ended in it.
constexpr u64 kMaxDoubt = 10'000'000'000;
constexpr u16 kMaxFrameSize = 0x5;  // RFC 9113 §6.5.2

// RFC 9113 §7.
constexpr std::string_view kErrors[] = {
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
    "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
    "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"};

u32 load32(std::string_view bytes, size_t at) {
  u32 value = 0;
  for (size_t i = 0; i < 4; i++) value = value << 8 | static_cast<u8>(bytes[at + i]);
  return value;
}

// One for all: nothing of it outlives a block.
Fields& fields_of_block() {
  static thread_local Fields fields;
  fields.clear();
  return fields;
}

int status_of(const Fields& fields) {
  std::string_view text = fields[Field::status];
  if (text.size() != 3) return 0;
  int status = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status;
}

}  // namespace

void Http2Streams::adopt(Request* request) {
  request->stream_id = 1;
  Exchange& exchange = open_[1];
  exchange.request = request;
  exchange.sent = true;
  newest_ = 1;
}

Http2Streams::Exchanges::iterator Http2Streams::find(u32 stream, u64 time_ns) {
  auto at = open_.find(stream);
  if (at != open_.end() && at->second.doubt_ns != 0) at->second.doubt_ns = std::max(at->second.doubt_ns, time_ns);
  return at;
}

void Http2Streams::begin_block(Side from, const FrameHead& head, const Piece& first) {
  if (from != Side::client || head.type != FrameType::headers || head.stream <= newest_) return;
  // Trailers of a stream that began before us, too: block() tells.
  opening_ = talk_.begin(first, from);
  opening_stream_ = head.stream;
}

void Http2Streams::drop_block() {
  if (opening_ != nullptr) talk_.drop(opening_);
  opening_ = nullptr;
}

bool Http2Streams::block(Side from, const HeaderBlock& block) {
  Fields& fields = fields_of_block();
  const Selection& selection = talk_.selection();
  const HeaderNames& wanted = from == Side::client ? selection.request_headers : selection.response_headers;
  if (!wanted.empty()) fields.wanted = &wanted;
  bool sound = hpack_[static_cast<size_t>(from)].decode(block.fragments, block.cut, fields);
  talk_.fields(fields.count, fields.unknown);
  note_tables();
  if (!sound) return false;
  // The response to a promised request comes on a stream that nobody here has asked for.
  if (block.head.type == FrameType::headers) {
    if (from == Side::client) on_request(block, fields);
    else on_response(block, fields);
  }
  // A request whose block is not whole yet waits while the server answers others.
  if (from == Side::client) drop_block();
  return true;
}

// Entries that are let go become unknown, which is never wrong.
void Http2Streams::note_tables() {
  if (talk_.scarce())
    for (Hpack& table : hpack_) table.shed(0);
  auto size = static_cast<u32>(hpack_[0].size() + hpack_[1].size());
  talk_.keep(i64{size} - i64{kept_});
  kept_ = size;
}

// Whether the block begins a stream; trailers have no pseudo-header fields, and end one.
bool Http2Streams::is_request(const HeaderBlock& block, const Fields& fields) const {
  if (opening_ == nullptr) return false;
  if (fields.has_pseudo() || !block.head.has(kEndStream)) return true;
  // Where no stream was missed, this one is new.
  return unseen_.empty() || unseen_.back().before != UINT32_MAX;
}

void Http2Streams::on_request(const HeaderBlock& block, const Fields& fields) {
  u32 stream = block.head.stream;
  bool ends = block.head.has(kEndStream);
  if (!is_request(block, fields)) {
    auto at = find(stream, block.end_ns);
    if (at != open_.end() && ends) at->second.sent = true;
    return;
  }
  newest_ = stream;
  if (!unseen_.empty()) unseen_.back().before = std::min(unseen_.back().before, stream);
  if (open_.size() >= kMaxStreams) {
    if (!opening_->foreign) talk_.missed("too_many_streams");
    return;
  }
  auto at = open_.try_emplace(stream).first;
  Exchange& exchange = at->second;
  Request& request = *(exchange.request = std::exchange(opening_, nullptr));
  request.stream_id = stream;
  request.has_body = !ends;
  request.incomplete = !fields.complete() || fields.forgotten;
  exchange.sent = ends;
  describe(exchange, fields);
  TraceHeaders trace;
  for (size_t i = 0; i < kTraceFields; i++) {
    Field field = field_of(static_cast<TraceField>(i));
    if (fields.has(field)) trace.take(static_cast<TraceField>(i), fields[field]);
  }
  trace.apply(request);
  // The same field is metadata to gRPC.
  std::string_view prefix = exchange.grpc ? "rpc.request.metadata." : "http.request.header.";
  trace.describe(request, prefix, talk_.selection());
  describe_fields(request, prefix, fields.kept, talk_.selection());
  if (!request.server) parse_stamp(fields[Field::clover_arm], request.stamp);
  talk_.observe(&request);
  talk_.count(&request);
  fresh_[0] = fresh_[1] = true;
  if (stream > go_away_) finish(at, block.end_ns, "GOAWAY");
}

void Http2Streams::describe(Exchange& exchange, const Fields& fields) {
  Request& request = *exchange.request;
  request.tunnel = fields[Field::method] == "CONNECT" && !fields.has(Field::protocol);
  http::RequestHead head;
  head.method = fields[Field::method];
  head.target = fields[Field::path];
  head.scheme = fields[Field::scheme];
  head.authority = fields.has(Field::authority) ? fields[Field::authority] : fields[Field::host];
  head.user_agent = fields[Field::user_agent];
  head.version = "2";
  head.complete = fields.complete();
  exchange.grpc = grpc::is_grpc(fields[Field::content_type]);
  if (exchange.grpc) grpc::describe_request(request, head);
  else http::describe_request(request, head, talk_);
  if (!exchange.grpc && !head.complete && !fields.has(Field::content_type)) exchange.path = head.target;
}

// A response to a request that was not seen.
void Http2Streams::orphan(const HeaderBlock& block) {
  for (const Unseen& range : unseen_) {
    if (block.head.stream <= range.after || block.head.stream >= range.before) continue;
    // Who was here before has seen the request.
    bool foreign = range.hole ? !talk_.owns(block.first) : talk_.shadowed();
    if (!foreign) talk_.missed(range.hole ? "hole" : "before_attach");
    return;
  }
}

void Http2Streams::on_response(const HeaderBlock& block, const Fields& fields) {
  int status = status_of(fields);
  bool ends = block.head.has(kEndStream);
  if (status / 100 == 1) return;
  auto at = find(block.head.stream, block.end_ns);
  if (at == open_.end()) {
    if (status != 0) orphan(block);
    return;
  }
  Exchange& exchange = at->second;
  Request& request = *exchange.request;
  request.incomplete = request.incomplete || !fields.complete() || fields.forgotten;
  if (status != 0) {
    if (request.status == 0)
      describe_fields(request, exchange.grpc ? "rpc.response.metadata." : "http.response.header.", fields.kept,
                      talk_.selection());
    request.status = status;
    request.answered(block.first);
  } else if (!exchange.answered && fields.complete() && exchange.doubt_ns == 0) {
    request.answered(block.first);
  }
  exchange.answered = true;
  talk_.reveal(&request, fields[Field::clover_arm]);
  note_outcome(exchange, block, fields);
  bool tunnel = request.tunnel && status / 100 == 2;
  if (ends || tunnel) end_response(at, block.end_ns);
}

// gRPC's status, wherever it stands: the server may answer with trailers alone.
void Http2Streams::note_outcome(Exchange& exchange, const HeaderBlock& block, const Fields& fields) {
  bool told = fields.has(Field::grpc_status) || grpc::is_grpc(fields[Field::content_type]);
  // The request's content type was not known.
  if (told && !exchange.grpc && !exchange.path.empty()) {
    exchange.grpc = true;
    grpc::name_method(*exchange.request, exchange.path);
  }
  if (fields.has(Field::grpc_status)) exchange.grpc_status = grpc::parse_status(fields[Field::grpc_status]);
  else if (block.head.has(kEndStream) && !fields.complete()) exchange.vague = true;
}

void Http2Streams::data(Side from, const DataPart& part) {
  auto at = find(part.head.stream, part.time_ns);
  if (at == open_.end()) return;
  Request& request = *at->second.request;
  request.incomplete = request.incomplete || !part.sized;
  bool ends = part.last && part.head.has(kEndStream);
  if (from == Side::client) {
    request.request_bytes += part.bytes;
    request.request_unsized = request.request_unsized || !part.sized;
    at->second.sent = at->second.sent || ends;
  } else {
    request.response_bytes += part.bytes;
    request.response_unsized = request.response_unsized || !part.sized;
    if (ends) end_response(at, part.time_ns);
  }
}

void Http2Streams::frame(Side from, const FrameHead& head, std::string_view payload, u64 time_ns) {
  if (head.type == FrameType::rst_stream) reset(from, head.stream, payload, time_ns);
  else if (head.type == FrameType::settings && !head.has(kSettingsAck)) settings(from, payload);
  else if (head.type == FrameType::goaway && from == Side::server && payload.size() >= 4)
    go_away(load32(payload, 0) & 0x7fffffff, time_ns);
}

void Http2Streams::reset(Side from, u32 stream, std::string_view payload, u64 time_ns) {
  auto at = find(stream, time_ns);
  if (at == open_.end()) return;
  Exchange& exchange = at->second;
  u32 code = payload.size() == 4 ? load32(payload, 0) : UINT32_MAX;
  if (payload.size() < 4) exchange.request->incomplete = true;
  bool known = code < std::size(kErrors);
  if (exchange.grpc && exchange.grpc_status < 0 && known) {
    exchange.grpc_status = grpc::status_of_reset(code, from);
    exchange.vague = false;
  }
  finish(at, time_ns, known ? kErrors[code] : "_OTHER");
}

// Streams above `last` were not processed, and will not be (RFC 9113 §6.8).
void Http2Streams::go_away(u32 last, u64 time_ns) {
  go_away_ = std::min(go_away_, last);
  for (auto at = open_.upper_bound(last); at != open_.end();) finish(at++, time_ns, "GOAWAY");
}

void Http2Streams::settings(Side from, std::string_view payload) {
  for (; payload.size() >= 6; payload.remove_prefix(6)) {
    u32 id = u32{static_cast<u8>(payload[0])} << 8 | static_cast<u8>(payload[1]);
    if (id == kMaxFrameSize) max_frame_[static_cast<size_t>(from)] = load32(payload, 2);
  }
}

void Http2Streams::end_response(Exchanges::iterator at, u64 end_ns) {
  Exchange& exchange = at->second;
  Request& request = *exchange.request;
  bool no_status = request.status == 0 && request.incomplete;
  request.doubtful = exchange.grpc ? exchange.vague && exchange.grpc_status < 0 : no_status || exchange.vague;
  finish(at, end_ns, "");
}

void Http2Streams::finish(Exchanges::iterator at, u64 end_ns, std::string_view failure) {
  Exchange& exchange = at->second;
  Request& request = *exchange.request;
  bool error;
  if (exchange.grpc) {
    if (failure.empty() && exchange.grpc_status < 0 && !request.doubtful)
      exchange.grpc_status = grpc::status_of_http(request.status);
    error = grpc::describe_outcome(request, exchange.grpc_status, failure);
  } else {
    http::describe_response(request, failure);
    error = !failure.empty() || request.status >= 500;
  }
  talk_.finish(&request, end_ns, error);
  open_.erase(at);
}

void Http2Streams::lose(Exchanges::iterator at, const char* cause) {
  Request& request = *at->second.request;
  if (Conversation::keeps(cause) && !at->second.grpc) {
    request.request_unsized = request.response_unsized = true;
    http::describe_response(request, {});
  }
  talk_.lose(&request, cause);
  open_.erase(at);
}

void Http2Streams::lose_track(Side from, u64 time_ns) {
  hpack_[static_cast<size_t>(from)].forget();
  if (from == Side::client) {
    if (opening_ != nullptr) {
      newest_ = opening_stream_;
      if (!opening_->foreign) talk_.missed("hole");
      drop_block();
    }
    bool late = talk_.late() && newest_ == 0 && unseen_.empty();
    if (unseen_.size() >= kMaxUnseen) unseen_.erase(unseen_.begin());
    unseen_.push_back({newest_, UINT32_MAX, !late});
  }
  for (auto& [stream, exchange] : open_) doubt(exchange, from, time_ns);
}

void Http2Streams::stepped_over(Side from, u64 time_ns) {
  // It may be in pieces of one byte.
  if (!std::exchange(fresh_[static_cast<size_t>(from)], false)) return;
  for (auto& [stream, exchange] : open_) doubt(exchange, from, time_ns);
}

// Frames of the exchange may have been missed.
void Http2Streams::doubt(Exchange& exchange, Side missed, u64 time_ns) {
  Request& request = *exchange.request;
  if (missed == Side::server) request.response_unsized = true;
  else if (!exchange.sent) request.request_unsized = true;
  request.incomplete = true;
  exchange.vague = exchange.vague || missed == Side::server;
  exchange.doubt_ns = time_ns;
  next_doubt_ns_ = std::min(next_doubt_ns_, time_ns + kMaxDoubt);
}

void Http2Streams::expire(u64 time_ns) {
  if (time_ns < next_doubt_ns_) return;
  next_doubt_ns_ = UINT64_MAX;
  for (auto at = open_.begin(); at != open_.end();) {
    auto one = at++;
    u64 since = one->second.doubt_ns;
    if (since == 0) continue;
    if (since + kMaxDoubt <= time_ns) lose(one, "hole");
    else next_doubt_ns_ = std::min(next_doubt_ns_, since + kMaxDoubt);
  }
}

void Http2Streams::fail_all(u64 time_ns) {
  while (!open_.empty()) {
    auto first = open_.begin();
    if (first->second.doubt_ns != 0) lose(first, "hole");
    else finish(first, time_ns, "connection_closed");
  }
}

void Http2Streams::lose_all(const char* cause) {
  drop_block();
  while (!open_.empty()) lose(open_.begin(), cause);
}

}  // namespace clover
