// The HTTP side of a connection: messages out of bytes, responses to requests.
#include <algorithm>

#include "session.h"

namespace clover {
namespace {

std::string_view view(const Piece& piece) {
  return {reinterpret_cast<const char*>(piece.data), piece.length};
}

// Path and query of a request target in any of its four forms (RFC 9112 §3.2).
void split_target(std::string_view target, Request& request) {
  size_t scheme = target.find("://");
  if (target[0] != '/' && scheme != std::string_view::npos) {
    std::string_view rest = target.substr(scheme + 3);
    size_t slash = rest.find_first_of("/?#");
    std::string_view authority = rest.substr(0, slash);
    // What stands before an @ is a user and a password.
    request.host.assign(authority.substr(authority.rfind('@') + 1));
    target = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
  }
  target = target.substr(0, target.find('#'));
  size_t mark = target.find('?');
  request.path.assign(target.substr(0, mark));
  if (mark != std::string_view::npos) request.query.assign(target.substr(mark + 1));
}

}  // namespace

void Connection::feed(Stream& mine, Piece piece) {
  Ledger& ledger = session_.ledger;
  while (piece.length > 0) {
    if (skipping_ || closed_) {
      add(ledger.skipped, skipping_ ? skipping_ : "after_close", piece.length);
      return;
    }
    switch (mine.phase) {
      case Phase::seek:
        if (!seek(mine, piece)) {
          add(ledger.skipped, "resync", piece.length);
          return;
        }
        mine.phase = Phase::start;
        break;
      case Phase::start:
        // Empty lines between messages are allowed (RFC 9112 §2.2).
        if (*piece.data == '\r' || *piece.data == '\n') {
          ledger.parsed++;
          piece.drop(1);
        } else {
          begin_message(mine, piece);
        }
        break;
      case Phase::head:
        piece.drop(feed_head(mine, piece));
        break;
      case Phase::body: {
        auto n = static_cast<u32>(mine.body.feed(piece.data, piece.length));
        ledger.parsed += n;
        piece.drop(n);
        if (mine.body.failed()) abandon("not_http");
        else if (mine.body.done()) end_message(mine, piece);
      }
    }
  }
}

bool Connection::seek(Stream& mine, const Piece& piece) {
  bool request = starts_request(view(piece));
  if (!request && !starts_response(view(piece))) return false;
  if (!role_known_) {
    role_known_ = true;
    pod_serves_ = request == mine.to_pod;
  }
  return is_request(mine) == request;
}

void Connection::begin_message(Stream& mine, const Piece& piece) {
  mine.phase = Phase::head;
  mine.message_ns = piece.time_ns;
  mine.message_seq = piece.seq;
  mine.message_ack = piece.ack;
  mine.message_has_ack = piece.has_ack;
  mine.foreign = !session_.owns(piece.monotonic_ns);
  if (!is_request(mine)) return;
  Request* request = session_.pool_.take();
  request->start_ns = piece.time_ns;
  request->start_seq = piece.seq;
  request->server = pod_serves_;
  request->foreign = mine.foreign;
  mine.current = request;
  session_.open_.insert(request);
}

u32 Connection::feed_head(Stream& mine, const Piece& piece) {
  Ledger& ledger = session_.ledger;
  size_t old = mine.head.size();
  if (old == 0) {
    // The common case: the head is whole in one segment and is read where it lies.
    size_t end = find_head_end(piece.data, piece.length, 0);
    if (end > 0 && end <= kMaxHead) {
      on_head(mine, view(piece).substr(0, end), piece, true);
      return static_cast<u32>(end);
    }
  }
  size_t room = std::min<size_t>(piece.length, kMaxHead + 1 - old);
  mine.head.append(view(piece).substr(0, room));
  ledger.pending += room;
  size_t end = find_head_end(reinterpret_cast<const u8*>(mine.head.data()), mine.head.size(), old);
  if (end == 0 || end > kMaxHead) {
    bool plausible = is_request(mine) ? may_start_request(mine.head) : may_start_response(mine.head);
    if (!plausible) abandon("not_http");
    else if (mine.head.size() > kMaxHead) cut_head(mine, piece);
    return static_cast<u32>(room);
  }
  ledger.pending -= mine.head.size();
  std::string block = std::move(mine.head);
  mine.head.clear();
  on_head(mine, std::string_view(block).substr(0, end), piece, true);
  return static_cast<u32>(end - old);
}

// Takes a head that is not read to its end for a message: all that follows is its body.
void Connection::cut_head(Stream& mine, const Piece& piece) {
  session_.ledger.pending -= mine.head.size();
  std::string block = std::move(mine.head);
  mine.head.clear();
  on_head(mine, block, piece, false);
}

void Connection::on_head(Stream& mine, std::string_view block, const Piece& piece, bool whole) {
  Head head;
  bool request = is_request(mine);
  // The last line of a head that was cut may be half a line.
  std::string_view lines = whole ? block : block.substr(0, block.rfind('\n') + 1);
  if (request ? parse_request_head(lines, head) : parse_response_head(lines, head)) {
    head.ambiguous = head.ambiguous || !whole;
    mine.phase = Phase::body;
    if (request) on_request(mine, head, piece);
    else on_response(mine, head, piece);
  } else {
    abandon("not_http");
  }
  if (!skipping_ || skipping_ == std::string_view("upgraded")) session_.ledger.parsed += block.size();
  else add(session_.ledger.skipped, skipping_, block.size());
}

// Whether the response answers a request of which the head is not whole yet: it is too long for the
// server, came too slowly, or was wrong from its first line on.
bool Connection::answers_early(const Stream& mine) {
  const Stream& asking = peer_of(mine);
  return queue_.empty() && asking.phase == Phase::head &&
         asking.head.find('\n') != std::string::npos && mine.message_has_ack &&
         seq_diff(mine.message_ack, asking.message_seq) > 0;
}

void Connection::on_request(Stream& mine, const Head& head, const Piece& piece) {
  Request& request = *mine.current;
  request.ordinal = ordinals_++;
  request.counted = true;
  request.method.assign(head.method);
  request.version.assign(head.version);
  request.host.assign(head.host);
  split_target(head.target, request);
  request.agent.assign(head.user_agent);
  request.tracestate.assign(head.tracestate);
  request.context = parse_traceparent(head.traceparent);
  request.has_body = !head.ambiguous && (head.has_length || head.chunked);
  request.upgrade = head.upgrade;
  if (!request.server) parse_stamp(head.stamp, request.stamp);
  else request.leg = &session_.leg(pod_, key_.pod_port);
  queue_.push_back(&request);
  session_.opened(&request, pod_);
  Framing framing = head.chunked ? Framing::chunked : Framing::length;
  mine.body.begin(head.ambiguous ? Framing::until_close : framing, head.length);
  if (mine.body.done()) end_message(mine, piece);
  if (peer_of(mine).finished) fail_open(piece.time_ns);
}

// The request that this response answers, or null.
Request* Connection::match(const Stream& mine) {
  if (queue_.empty()) return nullptr;
  // A server has received a request before it answers: its acknowledgement must say so.
  bool older = mine.message_has_ack && seq_diff(mine.message_ack, queue_.front()->start_seq) <= 0;
  return (doubt_ || late_) && older ? nullptr : queue_.front();
}

// A response whose request was not seen.
void Connection::orphan(const Stream& mine) {
  bool before_attach = late_ && ordinals_ == 0 && !doubt_ && mine.to_pod != pod_serves_;
  if (!before_attach && !missing_requests_) return;
  // Who was here before has seen the request.
  bool foreign = missing_requests_ ? mine.foreign : pod_.shadowed;
  if (!foreign) {
    session_.ledger.seen++;
    add(session_.ledger.lost_requests, missing_requests_ ? "hole" : "before_attach", 1);
  }
  if (before_attach) doubt_ = true;
}

void Connection::on_response(Stream& mine, const Head& head, const Piece& piece) {
  bool interim = head.status >= 100 && head.status < 200 && head.status != 101;
  if (interim) {
    mine.phase = Phase::start;
    return;
  }
  if (answers_early(mine)) cut_head(peer_of(mine), piece);
  Request* request = match(mine);
  mine.current = request;
  if (request == nullptr) {
    orphan(mine);
    // Whether a body follows depends on the method: look for the next message instead.
    mine.phase = Phase::seek;
    return;
  }
  bool tunnel = head.status == 101;
  bool empty = head.status == 101 || head.status == 204 || head.status == 304;
  request->status = head.status;
  request->first_byte_ns = mine.message_ns;
  bool connected = request->method == "CONNECT" && head.status / 100 == 2;
  tunnel = tunnel || connected;
  empty = empty || connected || request->method == "HEAD";
  Stamp stamp;
  if (request->server && parse_stamp(head.stamp, stamp)) {
    session_.evidence.reveal(*request->leg);
    if (!request->foreign) session_.evidence.move(*request, stamp);
    request->stamp = stamp;
  } else if (!request->server) {
    parse_stamp(head.stamp, request->stamp);
  }
  Framing framing = Framing::until_close;
  if (empty) framing = Framing::none;
  else if (head.ambiguous) framing = Framing::until_close;
  else if (head.chunked) framing = Framing::chunked;
  else if (head.has_length && !head.other_coding) framing = Framing::length;
  mine.body.begin(framing, head.length);
  if (mine.body.done()) end_message(mine, piece);
  if (tunnel) abandon("upgraded");
}

void Connection::end_message(Stream& mine, const Piece& piece) {
  Request* request = mine.current;
  mine.current = nullptr;
  mine.phase = Phase::start;
  if (request == nullptr) return;
  if (is_request(mine)) {
    request->request_bytes = mine.body.size();
    return;
  }
  request->response_bytes = mine.body.size();
  finish(request, piece.time_ns, false);
}

void Connection::take_out(Request* request) {
  auto at = std::find(queue_.begin(), queue_.end(), request);
  if (at != queue_.end()) queue_.erase(at);
  for (Stream* stream : {&in_, &out_})
    if (stream->current == request) stream->current = nullptr;
  session_.closed(request, pod_);
}

void Connection::finish(Request* request, u64 end_ns, bool broken) {
  request->end_ns = std::max(end_ns, request->start_ns);
  Stream& sender = side(pod_serves_);
  if (sender.current == request) request->request_bytes = sender.body.size();
  if (request->foreign) return take_out(request);
  SpanPlace place{id_, pod_text_, peer_text_, key_.pod_port, key_.peer_port, broken};
  session_.evidence.done(*request, broken || request->status >= 500);
  session_.emit(pod_, *request, place);
  take_out(request);
}

void Connection::lose(Request* request, const char* cause) {
  if (request->foreign) return take_out(request);
  session_.evidence.lose(*request);
  session_.ledger.open--;
  add(session_.ledger.lost_requests, cause, 1);
  take_out(request);
}

// The server sends no more: requests without a whole answer have failed.
void Connection::fail_open(u64 end_ns) {
  Stream& answers = side(!pod_serves_);
  if (answers.current != nullptr && answers.phase == Phase::body) {
    answers.current->response_bytes = answers.body.size();
    if (answers.body.until_close()) finish(answers.current, end_ns, false);
  }
  while (!queue_.empty()) finish(queue_.front(), end_ns, true);
}

void Connection::drop_head(Stream& mine, const char* reason) {
  session_.ledger.pending -= mine.head.size();
  add(session_.ledger.skipped, reason, mine.head.size());
  mine.head.clear();
  if (mine.current != nullptr && !mine.current->counted) {
    session_.closed(mine.current, pod_);
    mine.current = nullptr;
  }
}

// Nothing that follows is read any more.
void Connection::abandon(const char* reason) {
  if (skipping_ == nullptr) skipping_ = reason;
  for (Stream* stream : {&in_, &out_}) drop_head(*stream, reason);
  while (!queue_.empty()) lose(queue_.front(), reason);
}

// A hole took the framing with it: go on at the next message that begins with a segment.
void Connection::desynchronise(Stream& mine) {
  doubt_ = true;
  if (role_known_ && is_request(mine)) {
    bool begun = mine.current != nullptr && !mine.current->counted;
    missing_requests_ = true;
    if (begun && !mine.foreign) {
      session_.ledger.seen++;
      add(session_.ledger.lost_requests, "hole", 1);
    }
  } else if (role_known_) {
    while (!queue_.empty()) lose(queue_.front(), "hole");
  }
  drop_head(mine, "resync");
  mine.current = nullptr;
  mine.phase = Phase::seek;
}

void Connection::close(End end) {
  if (closed_) return;
  if (end != End::detached) {
    while (!skipping_ && fill_oldest_hole() && !closed_) continue;
    if (closed_) return;
    // An answer that crossed the wire and never came up is a loss of ours, not of the server.
    for (Stream* stream : {&in_, &out_})
      if (!skipping_ && stream->confirmed_ahead() > 0) skip_to(*stream, stream->acked);
  }
  closed_ = true;
  if (end == End::detached || end == End::idle) {
    const char* cause = end == End::idle ? "idle" : "detached";
    while (!queue_.empty()) lose(queue_.front(), cause);
  } else {
    while (!queue_.empty()) finish(queue_.front(), last_piece_ns_, true);
  }
  for (Stream* stream : {&in_, &out_}) {
    drop_head(*stream, "incomplete");
    for (const Held& held : stream->held) {
      add(session_.ledger.skipped, "incomplete", held.piece.length);
      session_.ledger.pending -= held.piece.length;
      session_.held_bytes_ -= held.piece.length + sizeof(Held);
    }
    stream->held.clear();
  }
  held_bytes_ = 0;
  session_.bury(*this);
}

}  // namespace clover
