#include "http1.h"

#include <algorithm>

#include "../http_span.h"
#include "http1_parser.h"
#include "http2.h"
#include "websocket.h"

namespace clover {
namespace http1 {
namespace {

constexpr size_t kMaxOpen = 4096;  // of one connection

bool is_websocket(std::string_view upgrade) {
  constexpr std::string_view kName = "websocket";
  return upgrade.size() == kName.size() &&
         std::equal(kName.begin(), kName.end(), upgrade.begin(), [](char a, char b) { return a == (b | 0x20); });
}

}  // namespace

u32 Http1::read(Side from, const Piece& given) {
  Messages& mine = of(from);
  Piece piece = given;
  while (piece.length > 0 && talk_.stopped() == nullptr && !handed_on_) {
    switch (mine.phase) {
      case Phase::seek:
        if (!(is_request(mine) ? starts_request(piece.text()) : starts_response(piece.text()))) {
          talk_.skipped("resync", piece.length);
          return given.length;
        }
        mine.phase = Phase::start;
        break;
      case Phase::start:
        // Empty lines between messages are allowed (RFC 9112 §2.2).
        if (*piece.data == '\r' || *piece.data == '\n') {
          talk_.parsed(1);
          piece.drop(1);
        } else {
          begin_message(mine, piece);
        }
        break;
      case Phase::head:
        piece.drop(read_head(mine, piece));
        break;
      case Phase::body: {
        auto n = static_cast<u32>(mine.body.feed(piece.data, piece.length));
        talk_.parsed(n);
        piece.drop(n);
        if (mine.body.failed()) stop("malformed");
        else if (mine.body.done()) end_message(mine, piece.time_ns);
        // The last byte of a run tells when it has ended, and is read.
        else if (mine.body.run() > 0) mine.sparing.spare(talk_, from, piece.seq, mine.body.run() - 1);
      }
    }
  }
  return given.length - piece.length;
}

// Between requests, with nothing in doubt.
bool Http1::blank() const {
  auto between = [](const Messages& one) {
    return one.phase == Phase::start && !one.ended && one.current == nullptr && one.head.partial().empty();
  };
  return queue_.empty() && between(asking_) && between(answering_) && !doubt_ && !missing_requests_ && !handed_on_;
}

void Http1::begin_message(Messages& mine, const Piece& piece) {
  mine.phase = Phase::head;
  mine.sparing.begin();
  mine.first = piece;
  mine.first.data = nullptr;
  mine.foreign = !talk_.owns(piece);
  if (is_request(mine)) mine.current = talk_.begin(piece, mine.from);
}

u32 Http1::read_head(Messages& mine, const Piece& piece) {
  TextHead::Whole whole;
  u32 taken = mine.head.read(talk_, piece, whole, frames_body);
  if (!whole.block.empty()) {
    on_head(mine, whole.block, piece, whole.large ? Extent::large : Extent::whole, whole.kept);
    return taken;
  }
  std::string_view partial = mine.head.partial();
  if (!(is_request(mine) ? may_start_request(partial) : may_start_response(partial)))
    stop("malformed");
  return taken;
}

// Takes a head that is not read to its end for a message: all that follows is its body.
void Http1::cut_head(Messages& mine, const Piece& piece) {
  on_head(mine, mine.head.cut(talk_), piece, Extent::begun);
}

void Http1::on_head(Messages& mine, std::string_view block, const Piece& piece, Extent extent, std::string_view kept) {
  Head head;
  head.large = extent == Extent::large;
  bool request = is_request(mine);
  const Selection& selection = talk_.selection();
  const HeaderNames& wanted = request ? selection.request_headers : selection.response_headers;
  if (!wanted.empty()) head.wanted = &wanted;
  std::string_view lines = block;
  std::string cut;
  if (extent != Extent::whole) {
    // Its last line may be half a line.
    cut.assign(block.substr(0, block.rfind('\n') + 1)).append(kept);
    lines = cut;
  }
  if (request ? !parse_request_head(lines, head) : !parse_response_head(lines, head)) {
    stop("malformed");
    return talk_.skipped("malformed", block.size());
  }
  talk_.parsed(block.size());
  head.ambiguous = head.ambiguous || extent == Extent::begun;
  mine.phase = Phase::body;
  if (request) on_request(head, piece);
  else on_response(head, piece);
}

// Whether the response answers a request of which the head is not whole yet: it is too long for the
// server, came too slowly, or was wrong from its first line on.
bool Http1::answers_early() {
  return queue_.empty() && asking_.phase == Phase::head &&
         asking_.head.partial().find('\n') != std::string_view::npos && answering_.first.has_ack &&
         seq_diff(answering_.first.ack, asking_.first.seq) > 0;
}

void Http1::on_request(const Head& head, const Piece& piece) {
  Request& request = *asking_.current;
  head.trace.apply(request);
  request.incomplete = head.large;
  request.has_body = !head.ambiguous && (head.has_length || head.chunked);
  request.bodiless = head.method == "HEAD";
  request.tunnel = head.method == "CONNECT";
  http::describe_request(request, {head.method, head.target, "", head.host, head.user_agent, head.version,
                                   !head.large || !head.host.empty()},
                         talk_);
  head.trace.describe(request, "http.request.header.", talk_.selection());
  describe_fields(request, "http.request.header.", head.kept, talk_.selection());
  if (!request.server) parse_stamp(head.stamp, request.stamp);
  talk_.observe(&request);
  queue_.push_back(&request);
  talk_.count(&request);
  if (queue_.size() > kMaxOpen) return stop("too_many_open");
  Framing framing = head.chunked ? Framing::chunked : Framing::length;
  asking_.body.begin(head.ambiguous ? Framing::until_close : framing, head.length);
  if (asking_.body.done()) end_message(asking_, piece.time_ns);
  if (answering_.ended) fail_open(piece.time_ns);
}

// The request that this response answers, or null.
Request* Http1::match() {
  if (queue_.empty()) return nullptr;
  // A server has received a request before it answers: its acknowledgement must say so.
  bool older = answering_.first.has_ack &&
               seq_diff(answering_.first.ack, queue_.front()->start_seq) <= 0;
  return (doubt_ || talk_.late()) && older ? nullptr : queue_.front();
}

// A response whose request was not seen.
void Http1::orphan() {
  bool before_attach = talk_.late() && talk_.ordinals() == 0 && !doubt_;
  if (!before_attach && !missing_requests_) return;
  // Who was here before has seen the request.
  bool foreign = missing_requests_ ? answering_.foreign : talk_.shadowed();
  if (!foreign) talk_.missed(missing_requests_ ? "hole" : "before_attach");
  if (before_attach) doubt_ = true;
}

void Http1::on_response(const Head& head, const Piece& piece) {
  Messages& mine = answering_;
  if (head.status >= 100 && head.status < 200 && head.status != 101) {
    mine.phase = Phase::start;
    return;
  }
  if (answers_early()) cut_head(asking_, piece);
  Request* request = match();
  mine.current = request;
  if (request == nullptr) {
    orphan();
    // Whether a body follows depends on the method: look for the next message instead.
    mine.phase = Phase::seek;
    return;
  }
  // The request is answered in the protocol that follows (RFC 7540 §3.2).
  bool whole = asking_.phase == Phase::start && queue_.size() == 1;
  if (head.status == 101 && head.upgrade == "h2c" && whole) return upgrade(request);
  request->status = head.status;
  request->incomplete = request->incomplete || head.large;
  request->answered(mine.first);
  describe_fields(*request, "http.response.header.", head.kept, talk_.selection());
  bool tunnel = head.status == 101 || (request->tunnel && head.status / 100 == 2);
  bool empty = tunnel || request->bodiless || head.status == 204 || head.status == 304;
  talk_.reveal(request, head.stamp);
  Framing framing = Framing::until_close;
  if (empty) framing = Framing::none;
  else if (head.ambiguous) framing = Framing::until_close;
  else if (head.chunked) framing = Framing::chunked;
  else if (head.has_length && !head.other_coding) framing = Framing::length;
  mine.body.begin(framing, head.length);
  // Before the handshake is finished, below which the session is.
  std::unique_ptr<Parser> session;
  if (head.status == 101 && whole && is_websocket(head.upgrade)) session = make_websocket(talk_, *request, mine.first);
  if (mine.body.done()) end_message(mine, piece.time_ns);
  if (!tunnel) return;
  if (session != nullptr) {
    handed_on_ = true;
    return talk_.hand_over(std::move(session));
  }
  if (head.status == 101 || !whole) return stop("upgraded");
  // Through a tunnel ends speak whatever they like.
  handed_on_ = true;
  talk_.start_anew();
}

void Http1::upgrade(Request* request) {
  take_out(request);
  handed_on_ = true;
  talk_.hand_over(make_upgraded_http2(talk_, request));
}

void Http1::end_message(Messages& mine, u64 time_ns) {
  Request* request = mine.current;
  mine.current = nullptr;
  mine.phase = Phase::start;
  if (request == nullptr) return;
  if (is_request(mine)) {
    request->request_bytes = mine.body.size();
    return;
  }
  request->response_bytes = mine.body.size();
  finish(request, time_ns, false);
}

void Http1::take_out(Request* request) {
  auto at = std::find(queue_.begin(), queue_.end(), request);
  if (at != queue_.end()) queue_.erase(at);
  for (Messages* messages : {&asking_, &answering_})
    if (messages->current == request) messages->current = nullptr;
}

void Http1::finish(Request* request, u64 end_ns, bool broken) {
  if (asking_.current == request) request->request_bytes = asking_.body.size();
  take_out(request);
  http::describe_response(*request, broken ? "connection_closed" : "");
  talk_.finish(request, end_ns, broken || request->status >= 500);
}

void Http1::lose_all(const char* cause) {
  while (!queue_.empty()) {
    Request* request = queue_.front();
    take_out(request);
    if (Conversation::keeps(cause)) {
      request->request_unsized = request->response_unsized = true;
      http::describe_response(*request, {});
    }
    talk_.lose(request, cause);
  }
}

// The server sends no more: requests without a whole answer have failed.
void Http1::fail_open(u64 end_ns) {
  Request* answered = answering_.current;
  if (answered != nullptr && answering_.phase == Phase::body) {
    answered->response_bytes = answering_.body.size();
    if (answering_.body.until_close()) finish(answered, end_ns, false);
  }
  while (!queue_.empty()) finish(queue_.front(), end_ns, true);
}

void Http1::drop_head(Messages& mine, const char* reason) {
  mine.head.drop(talk_, reason);
  if (mine.current != nullptr && !mine.current->counted) {
    talk_.drop(mine.current);
    mine.current = nullptr;
  }
}

// A hole took the end of an answer, and what of other answers nobody knows. Of that whose head was read the status is known.
void Http1::interrupt_all(u64 time_ns) {
  while (!queue_.empty()) {
    Request* request = queue_.front();
    request->request_unsized = request->request_unsized || asking_.current == request;
    request->response_unsized = request->incomplete = true;
    if (request->status == 0) request->interrupt();
    finish(request, time_ns, false);
  }
}

// Nothing that follows is read any more.
void Http1::stop(const char* reason) {
  talk_.stop(reason);
  for (Messages* messages : {&asking_, &answering_}) drop_head(*messages, reason);
  lose_all(reason);
}

// A hole took the framing with it: go on at the next message that begins with a segment.
void Http1::desynchronise(Messages& mine, u64 time_ns) {
  doubt_ = true;
  if (is_request(mine)) {
    bool begun = mine.current != nullptr && !mine.current->counted;
    missing_requests_ = true;
    if (begun && !mine.foreign) talk_.missed("hole");
    if (mine.current != nullptr) mine.current->request_unsized = mine.current->incomplete = true;
  } else {
    interrupt_all(time_ns);
  }
  drop_head(mine, "resync");
  mine.current = nullptr;
  mine.phase = Phase::seek;
}

void Http1::hole(Side from, u32 length, u64 time_ns) {
  Messages& mine = of(from);
  if (mine.phase != Phase::body || !mine.body.skip(length)) desynchronise(mine, time_ns);
  else if (mine.body.done()) end_message(mine, time_ns);
}

void Http1::end(Side from, u64 time_ns) {
  Messages& mine = of(from);
  mine.ended = true;
  drop_head(mine, "incomplete");
  // The server has spoken its last word: an answer that is not whole will not be.
  if (!is_request(mine)) fail_open(time_ns);
}

void Http1::close(const char* cause, u64 time_ns) {
  if (cause != nullptr) lose_all(cause);
  while (!queue_.empty()) finish(queue_.front(), time_ns, true);
  for (Messages* messages : {&asking_, &answering_}) drop_head(*messages, "incomplete");
}

}  // namespace http1

Verdict detect_http1(std::string_view bytes, Side from, Where where) {
  bool request = from == Side::client;
  if (is_within(where))
    return (request ? starts_request(bytes) : starts_response(bytes)) ? Verdict::yes : Verdict::no;
  while (!bytes.empty() && (bytes[0] == '\r' || bytes[0] == '\n')) bytes.remove_prefix(1);
  if (bytes.empty()) return Verdict::maybe;
  if (!(request ? may_start_request(bytes) : may_start_response(bytes))) return Verdict::no;
  // Other protocols have requests of the same form: only the whole line is sure.
  bool sure = request ? bytes.find('\n') != std::string_view::npos : starts_response(bytes);
  return sure ? Verdict::yes : Verdict::maybe;
}

std::unique_ptr<Parser> make_http1(Conversation& conversation) {
  return std::make_unique<http1::Http1>(conversation);
}

}  // namespace clover
