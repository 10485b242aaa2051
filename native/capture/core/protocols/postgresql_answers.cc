// What a server of PostgreSQL says to what was sent.
#include <algorithm>

#include "../db_span.h"
#include "postgresql_parser.h"

namespace clover::pg {

bool Postgresql::on_answered(const Frame& frame) {
  std::string_view body = frame.kept.substr(kHeader);
  char type = frame.kept[0];
  if (type == 'S') {
    Fields fields(body);
    if (fields.text() == "standard_conforming_strings")
      escapes_ = fields.text() == "on" ? sql::Escapes::no : sql::Escapes::yes;
    return true;
  }
  // These come whenever the server likes (asynchronous operations).
  if (type == 'N' || type == 'A' || type == 'K' || type == 'R' || type == 'v') return true;
  if (type == 'Z') {
    if (std::exchange(begins_, false)) settle(frame.first);
    begins_ = true;
    on_ready(frame);
    return talk_.stopped() == nullptr;
  }
  if (std::exchange(begins_, false)) settle(frame.first);
  // Changes follow, in both directions, until the connection ends (CopyBothResponse).
  if (type == 'W') return on_replication(frame);
  if (unknown_ || sent_.empty()) return true;
  Request* request = sent_.front().request;
  if (request != nullptr && sent_.front().kind != Kind::sync) request->answered(frame.first);
  switch (type) {
    case '1': pop(Kind::parse); break;
    case '2': pop(Kind::bind); break;
    case '3': pop(Kind::close); break;
    case 'T':
    case 'n': pop(Kind::describe); break;
    case 'G': on_copy_in(); break;
    case 'C':
    case 'I':
    case 's':
    case 'V': on_complete(frame.end_ns); break;
    case 'E': on_error(body, frame.end_ns); break;
    default: break;
  }
  return talk_.stopped() == nullptr;
}

void Postgresql::pop(Kind kind) {
  if (sent_.front().kind == kind) sent_.pop_front();
}

// A server that takes data ignores each Sync until they are whole: those that wait are not answered.
void Postgresql::on_copy_in() {
  if (sent_.front().kind != Kind::execute) return;
  copying_ = true;
  while (sent_.size() > 1 && sent_[1].kind == Kind::sync) {
    if (sent_[1].request != nullptr) talk_.drop(sent_[1].request);
    sent_.erase(sent_.begin() + 1);
  }
}

bool Postgresql::on_replication(const Frame& frame) {
  if (!unknown_ && !sent_.empty() && sent_.front().kind == Kind::query) {
    Sent sent = std::move(sent_.front());
    sent_.pop_front();
    sent.request->answered(frame.first);
    finish(std::move(sent), frame.end_ns, {});
  }
  stop("replication");
  return false;
}

void Postgresql::on_complete(u64 end_ns) {
  Sent& front = sent_.front();
  if (front.kind == Kind::query || front.kind == Kind::function) {
    // A Query may hold several statements: the server tells when it is ready for the next.
    front.end_ns = end_ns;
  } else if (front.kind == Kind::execute) {
    Sent sent = std::move(front);
    sent_.pop_front();
    finish(std::move(sent), end_ns, {});
  }
}

void Postgresql::on_error(std::string_view body, u64 end_ns) {
  std::string code = "_OTHER";
  for (Fields fields(body); !fields.empty();) {
    char field = fields.byte();
    if (field == 0) break;
    std::string_view text = fields.text();
    bool plain = text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
                   return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
                 });
    if (field == 'C' && plain) code = text;
  }
  Sent& front = sent_.front();
  if (front.kind == Kind::startup) return;
  copying_ = false;
  if (front.kind == Kind::query || front.kind == Kind::function) {
    front.code = code;
    front.end_ns = end_ns;
    return;
  }
  if (front.kind == Kind::sync) return;
  // All up to the next Sync is not carried out. The Execute that this was for has failed with it.
  bool given = false;
  while (!sent_.empty() && sent_.front().kind != Kind::sync) {
    Sent sent = std::move(sent_.front());
    sent_.pop_front();
    if (sent.kind == Kind::parse) statements_.erase(sent.name);
    if (sent.request == nullptr) continue;
    if (!given) sent.code = code;
    finish(std::move(sent), end_ns, given ? kAborted : std::string_view());
    given = true;
  }
  if (sent_.empty()) {
    aborting_ = true;
    abort_code_ = given ? "" : code;
  } else if (!given && sent_.front().request != nullptr) {
    // Nothing was to be executed: it was only prepared.
    Sent& sync = sent_.front();
    open(sync.request, sync.query.get());
    finish({Kind::execute, std::exchange(sync.request, nullptr), nullptr, {}, 0, code, 0}, end_ns, {});
  }
}

bool ends(const Sent& sent) {
  return sent.kind == Kind::sync || sent.kind == Kind::query || sent.kind == Kind::function ||
         sent.kind == Kind::startup;
}

namespace {

// Whether the server had received it when it sent this.
bool received(const Sent& sent, const Piece& answer) {
  return !answer.has_ack || seq_diff(answer.ack, sent.seq) > 0;
}

}  // namespace

size_t Postgresql::due(const Piece& answer) const {
  size_t count = 0;
  for (const Sent& one : sent_)
    if (ends(one) && received(one, answer)) count += 1 + one.more;
  return count;
}

// An answer begins: is it known what was asked?
void Postgresql::settle(const Piece& first) {
  unknown_ = !whole_ && (sent_.empty() || !received(sent_.front(), first) || (unsure_ && due(first) != 1));
  if (!unknown_) unsure_ = false;
}

void Postgresql::on_ready(const Frame& frame) {
  if (std::exchange(unknown_, false)) {
    size_t asked = due(frame.first);
    if (asked == 0) orphan(frame.first);
    if (asked <= 1) unsure_ = false;
    for (bool last = asked == 0; !last && !sent_.empty();) {
      Sent sent = take();
      last = ends(sent);
      interrupt(sent, frame.end_ns);
    }
    return;
  }
  bool last = false;
  while (!sent_.empty() && !last) {
    Sent sent = take();
    last = ends(sent);
    if (sent.kind == Kind::query || sent.kind == Kind::function) {
      u64 end_ns = sent.end_ns != 0 ? sent.end_ns : frame.end_ns;
      finish(std::move(sent), end_ns, {});
    } else {
      forget(sent, "unanswered");
    }
  }
  if (!last) orphan(frame.first);
}

// An answer whose request was not seen.
void Postgresql::orphan(const Piece& first) {
  if (!talk_.owns(first)) return;
  if (missing_) talk_.missed("hole");
  else if (talk_.late() && talk_.ordinals() == 0 && !talk_.shadowed()) talk_.missed("before_attach");
}

void Postgresql::finish(Sent sent, u64 end_ns, std::string_view failure) {
  Request* request = sent.request;
  // Class 02 and above: the rest are warnings (SQL standard).
  bool error = !sent.code.empty() && sent.code >= "02";
  db::describe_end(*request, database_, error ? std::string_view(sent.code) : std::string_view(),
                   error ? std::string_view() : failure);
  talk_.finish(request, std::max(end_ns, request->start_ns), !request->error_type.empty());
}

}  // namespace clover::pg
