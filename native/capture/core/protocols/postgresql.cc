#include "postgresql.h"

#include <algorithm>

#include "../attributes.h"
#include "../db_span.h"
#include "postgresql_parser.h"

namespace clover {
namespace pg {
namespace {

using sql::Query;

constexpr std::string_view kSystem = "postgresql";

}  // namespace

Postgresql::Postgresql(Conversation& talk)
    : talk_(talk),
      statements_(talk),
      portals_(talk),
      opening_(talk, Side::client, kOpeningHeader, opening_size,
               [this](const Frame& frame) { return on_opening(frame); }),
      asking_(
          talk, Side::client, kHeader, [](std::string_view head) { return message_size(head, Side::client); },
          [this](const Frame& frame) { return on_asked(frame); }),
      answering_(
          talk, Side::server, kHeader, [](std::string_view head) { return message_size(head, Side::server); },
          [this](const Frame& frame) { return on_answered(frame); }) {}

FrameReader& Postgresql::of(Side from) {
  if (from == Side::server) return answering_;
  return opens_ ? opening_ : asking_;
}

u32 Postgresql::read(Side from, const Piece& given) {
  bool& seeks = seeks_[static_cast<size_t>(from)];
  if (seeks && !are_messages(given.text(), from)) {
    talk_.skipped("resync", given.length);
    return given.length;
  }
  seeks = false;
  Piece piece = given;
  while (piece.length > 0 && talk_.stopped() == nullptr) {
    if (from == Side::server && waits_ != 0) {
      answer_opening(piece);
      continue;
    }
    FrameReader& mine = of(from);
    piece.drop(mine.read(piece));
    if (mine.sound()) continue;
    if (whole_) {
      stop(opens_ ? "unrecognised" : "malformed");
    } else {
      // What was taken for a message after a hole was none.
      lose_track(from, piece.time_ns);
      talk_.skipped("resync", piece.length);
      return given.length;
    }
  }
  return given.length - piece.length;
}

bool Postgresql::on_opening(const Frame& frame) {
  u32 code = read_u32(frame.kept, 4);
  if (code == kSslRequest || code == kGssRequest) {
    waits_ = code;
    return false;
  }
  if (code == kCancelRequest) return false;
  opens_ = false;
  Fields fields(frame.kept.substr(kOpeningHeader));
  std::string user;
  while (!fields.empty()) {
    std::string_view name = fields.text();
    if (name.empty() || !fields.whole()) break;
    std::string_view value = fields.text();
    if (!fields.whole()) break;
    if (name == "database") database_ = value;
    else if (name == "user") user = value;
  }
  // It is called as its user where nobody says how.
  if (database_.empty()) database_ = user;
  push(Kind::startup, frame);
  return false;
}

// One byte says whether encryption follows.
void Postgresql::answer_opening(Piece& piece) {
  char answer = static_cast<char>(*piece.data);
  u32 asked = std::exchange(waits_, 0);
  // A server that does not know the request says so in a message.
  if (answer == 'E') return;
  talk_.parsed(1);
  piece.drop(1);
  if (answer == 'S' && asked == kSslRequest) stop("tls");
  else if (answer == 'G' && asked == kGssRequest) stop("gssapi");
  else if (answer != 'N') stop("malformed");
}

bool Postgresql::on_asked(const Frame& frame) {
  shedding_ = shedding_ || sent_.size() >= kMaxOpen;
  switch (frame.kept[0]) {
    case 'Q': on_query(frame); break;
    case 'P': on_parse(frame); break;
    case 'B': on_bind(frame); break;
    case 'C': on_close(frame); break;
    case 'E': on_execute(frame); break;
    case 'S': on_sync(frame); break;
    case 'D': push(Kind::describe, frame); break;
    case 'F': {
      if (shed(frame)) return push(Kind::sync, frame);
      Request* request = talk_.begin(frame.first, Side::client);
      db::describe_system(*request, kSystem);
      Attributes(request->attributes).text("db.operation.name", "FUNCTION CALL");
      request->name = "FUNCTION CALL";
      talk_.observe(request);
      talk_.count(request);
      ask(Kind::function, frame, request);
      break;
    }
    case 'c':
    case 'f': copying_ = false; break;
    default: break;
  }
  return talk_.stopped() == nullptr;
}

// False where nothing is answered to it, or what is answered is to find nothing that waits for it.
bool Postgresql::push(Kind kind, const Frame& frame, Request* request, QueryPointer query) {
  if ((aborting_ || shedding_) && kind != Kind::sync) return false;
  bool plain = kind == Kind::sync && request == nullptr && !sent_.empty() && sent_.back().request == nullptr;
  if (plain && sent_.back().kind == Kind::sync) {
    sent_.back().more++;
    return true;
  }
  Sent sent;
  sent.kind = kind;
  sent.request = request;
  sent.query = std::move(query);
  sent.seq = frame.first.seq;
  sent_.push_back(std::move(sent));
  return true;
}

// The oldest that waits.
Sent Postgresql::take() {
  if (sent_.front().more > 0) {
    sent_.front().more--;
    Sent sync;
    sync.kind = Kind::sync;
    return sync;
  }
  Sent sent = std::move(sent_.front());
  sent_.pop_front();
  return sent;
}

// Whether a request is one too many to be followed.
bool Postgresql::shed(const Frame& frame) {
  if (!shedding_) return false;
  if (group_ != nullptr) talk_.drop(std::exchange(group_, nullptr));
  group_query_ = nullptr;
  if (talk_.owns(frame.first)) talk_.missed("too_many_open");
  return true;
}

// What a failed server is asked before the next Sync it does not carry out, whatever it is.
void Postgresql::ask(Kind kind, const Frame& frame, Request* request) {
  if (push(kind, frame, request)) return;
  finish({kind, request, nullptr, {}, 0, std::exchange(abort_code_, {}), 0}, frame.end_ns, kAborted);
}

void Postgresql::open(Request* request, const Query* query) {
  db::describe_system(*request, kSystem);
  db::describe_query(*request, query, kSystem);
  talk_.observe(request);
  talk_.count(request);
}

void Postgresql::on_query(const Frame& frame) {
  // Behind each the server says that it is ready, as behind a Sync.
  if (shed(frame)) return void(push(Kind::sync, frame));
  std::string_view text = frame.kept.substr(kHeader);
  bool cut = frame.kept.size() < frame.total;
  auto query = std::make_shared<Query>(
      sql::read(text.substr(0, text.find('\0')), {sql::Dialect::postgresql, escapes_}, cut));
  Request* request = talk_.begin(frame.first, Side::client);
  open(request, query.get());
  ask(Kind::query, frame, request);
}

// What Parse or Bind begin is executed by the next Execute.
Request* Postgresql::group(const Frame& frame) {
  if (group_ == nullptr && !shedding_) group_ = talk_.begin(frame.first, Side::client);
  return group_;
}

void Postgresql::on_parse(const Frame& frame) {
  group(frame);
  Fields fields(frame.kept.substr(kHeader));
  std::string_view name = fields.text(), text = fields.text();
  auto query =
      std::make_shared<Query>(sql::read(text, {sql::Dialect::postgresql, escapes_}, !fields.whole()));
  group_query_ = query;
  if (aborting_) return;
  statements_.set(name, query);
  if (push(Kind::parse, frame)) sent_.back().name = name;
}

void Postgresql::on_bind(const Frame& frame) {
  group(frame);
  Fields fields(frame.kept.substr(kHeader));
  std::string_view portal = fields.text(), statement = fields.text();
  if (aborting_) {
    if (group_query_ == nullptr) group_query_ = statements_.get(statement);
    return;
  }
  group_query_ = fields.whole() ? statements_.get(statement) : nullptr;
  portals_.set(portal, group_query_);
  push(Kind::bind, frame);
}

void Postgresql::on_close(const Frame& frame) {
  Fields fields(frame.kept.substr(kHeader));
  db::Statements& names = fields.byte() == 'S' ? statements_ : portals_;
  if (!aborting_) names.erase(fields.text());
  push(Kind::close, frame);
}

void Postgresql::on_execute(const Frame& frame) {
  if (shed(frame)) return;
  Request* request = group(frame);
  group_ = nullptr;
  Fields fields(frame.kept.substr(kHeader));
  QueryPointer query = aborting_ ? group_query_ : portals_.get(fields.text());
  open(request, query.get());
  group_query_ = nullptr;
  ask(Kind::execute, frame, request);
}

void Postgresql::on_sync(const Frame& frame) {
  if (copying_) return;
  Request* prepared = std::exchange(group_, nullptr);
  if (aborting_ && prepared != nullptr) {
    std::string code = std::exchange(abort_code_, {});
    if (code.empty()) {
      talk_.drop(prepared);
    } else {
      open(prepared, group_query_.get());
      finish({Kind::execute, prepared, nullptr, {}, 0, code, 0}, frame.end_ns, {});
    }
    prepared = nullptr;
  }
  aborting_ = shedding_ = false;
  abort_code_.clear();
  push(Kind::sync, frame, prepared, std::exchange(group_query_, nullptr));
}

void Postgresql::forget(Sent& sent, const char* cause) {
  Request* request = std::exchange(sent.request, nullptr);
  if (request == nullptr) return;
  if (sent.kind == Kind::sync) return talk_.drop(request);
  db::lose(talk_, request, database_, sent.code, cause);
}

void Postgresql::lose_all(const char* cause) {
  for (Sent& sent : sent_) forget(sent, cause);
  sent_.clear();
  if (group_ != nullptr) talk_.drop(std::exchange(group_, nullptr));
  group_query_ = nullptr;
  aborting_ = copying_ = shedding_ = false;
  abort_code_.clear();
}

// A part of its answer was not seen.
void Postgresql::interrupt(Sent& sent, u64 end_ns) {
  if (sent.kind == Kind::sync || sent.request == nullptr) return forget(sent, "hole");
  sent.request->interrupt();
  u64 known_ns = sent.end_ns != 0 ? sent.end_ns : end_ns;
  finish(std::move(sent), known_ns, {});
}

// The server has spoken its last word.
void Postgresql::fail_all(u64 time_ns) {
  std::deque<Sent> sent = std::move(sent_);
  sent_.clear();
  for (Sent& one : sent) {
    bool asks = one.kind == Kind::query || one.kind == Kind::function || one.kind == Kind::execute;
    if (asks) finish(std::move(one), one.end_ns != 0 ? one.end_ns : time_ns,
                     one.end_ns != 0 ? "" : "connection_closed");
    else forget(one, "connection_closed");
  }
  lose_all("connection_closed");
}

void Postgresql::stop(const char* reason) {
  talk_.stop(reason);
  for (FrameReader* frames : {&opening_, &asking_, &answering_}) frames->reset(reason);
  lose_all(reason);
}

void Postgresql::join(Side from) {
  whole_ = opens_ = false;
  seeks_[static_cast<size_t>(from)] = true;
  if (from == Side::server) unsure_ = begins_ = true;
}

void Postgresql::lose_track(Side from, u64 time_ns) {
  if (from == Side::client) opening_.reset("resync");
  (from == Side::client ? asking_ : answering_).reset("resync");
  join(from);
  waits_ = 0;
  if (from == Side::server) {
    for (; !sent_.empty(); sent_.pop_front()) interrupt(sent_.front(), time_ns);
    return lose_all("hole");
  }
  missing_ = true;
  // What is open is answered in order. Whatever was prepared meanwhile is not known.
  statements_.clear();
  portals_.clear();
  if (group_ != nullptr) talk_.drop(std::exchange(group_, nullptr));
  group_query_ = nullptr;
  aborting_ = copying_ = shedding_ = false;
  if (sent_.empty() || ends(sent_.back())) return;
  Sent sync;
  sync.kind = Kind::sync;
  sync.seq = sent_.back().seq;
  sent_.push_back(std::move(sync));
}

void Postgresql::hole(Side from, u32 length, u64 time_ns) {
  bool seeks = seeks_[static_cast<size_t>(from)];
  if (seeks || !of(from).skip(length, time_ns)) lose_track(from, time_ns);
}

void Postgresql::end(Side from, u64 time_ns) {
  of(from).reset("incomplete");
  if (from == Side::server) fail_all(time_ns);
}

void Postgresql::close(const char* cause, u64 time_ns) {
  for (FrameReader* frames : {&opening_, &asking_, &answering_}) frames->reset("incomplete");
  if (cause != nullptr) lose_all(cause);
  else fail_all(time_ns);
}

}  // namespace pg

Verdict detect_postgresql(std::string_view bytes, Side from, Where where) {
  if (is_within(where)) return pg::are_messages(bytes, from) ? Verdict::yes : Verdict::no;
  // A server says nothing before it is asked.
  if (from == Side::server) return Verdict::no;
  // The length is a few thousand at most, and the code tells the protocol.
  for (size_t i = 0; i < std::min<size_t>(bytes.size(), 2); i++)
    if (bytes[i] != 0) return Verdict::no;
  if (bytes.size() >= pg::kOpeningHeader) {
    if (!pg::opening_size(bytes)) return Verdict::no;
    // A request of Kafka may have the same numbers; here the name of a parameter follows.
    bool startup = bytes[4] == 0;
    if (startup && bytes.size() == pg::kOpeningHeader) return Verdict::maybe;
    char first = startup ? bytes[pg::kOpeningHeader] : 'a';
    return (first >= 'a' && first <= 'z') || first == '_' ? Verdict::yes : Verdict::no;
  }
  if (bytes.size() >= 5 && bytes[4] != 0 && bytes[4] != 4) return Verdict::no;
  return Verdict::maybe;
}

std::unique_ptr<Parser> make_postgresql(Conversation& conversation) {
  return std::make_unique<pg::Postgresql>(conversation);
}

}  // namespace clover
