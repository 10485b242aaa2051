#include "mysql.h"

#include <algorithm>

#include "../attributes.h"
#include "../db_span.h"
#include "mysql_parser.h"

namespace clover {
namespace mysql {
namespace {

using sql::Query;

constexpr size_t kMaxKept = 1024, kMaxRowKept = 32;
constexpr u32 kLastStatement = 0xffffffff;  // MariaDB: the one that was prepared last

}  // namespace

Mysql::Mysql(Conversation& talk)
    : talk_(talk),
      statements_(talk),
      asking_(talk, Side::client, kHeader, [this](std::string_view head) { return size(Side::client, head); },
              [this](const Frame& frame) { return take(Side::client, frame); }),
      answering_(talk, Side::server, kHeader, [this](std::string_view head) { return size(Side::server, head); },
                 [this](const Frame& frame) { return take(Side::server, frame); }) {}

// What is kept of a packet: nothing of what a client sends behind its command, be it a password or a file.
FrameSize Mysql::size(Side from, std::string_view header) const {
  u64 total = kHeader + u64{length_of(header)};
  size_t keep = kMaxKept;
  if (continues_[static_cast<size_t>(from)]) keep = 0;
  else if (from == Side::client && phase_ == Phase::commands)
    keep = header[3] == 0 && !uploads() ? sql::kMaxRead + kMaxKept : 0;
  else if (from == Side::client && phase_ != Phase::response) keep = 0;
  else if (from == Side::server && !sent_.empty() && sent_.front().stage != Stage::first) keep = kMaxRowKept;
  return {total, kHeader + keep};
}

u32 Mysql::read(Side from, const Piece& given) {
  bool& seeks = seeks_[static_cast<size_t>(from)];
  if (seeks && !begins(from, given)) {
    talk_.skipped("resync", given.length);
    return given.length;
  }
  seeks = false;
  Piece piece = given;
  while (piece.length > 0 && talk_.stopped() == nullptr) {
    piece.drop(of(from).read(piece));
    if (!std::exchange(wrong_, false)) continue;
    if (whole_) {
      stop(phase_ == Phase::greeting ? "unrecognised" : "malformed");
    } else {
      lose_track(from, piece.time_ns);
      talk_.skipped("resync", piece.length);
      return given.length;
    }
  }
  return given.length - piece.length;
}

void Mysql::wrong() { wrong_ = true; }

bool Mysql::take(Side from, const Frame& frame) {
  bool& continues = continues_[static_cast<size_t>(from)];
  bool rest = continues;
  continues = frame.total == kHeader + u64{kMaxPayload};
  std::string_view payload = frame.kept.substr(kHeader);
  u8 seq = static_cast<u8>(frame.kept[3]);
  size_t length = frame.total - kHeader;
  if (from == Side::client && uploads()) {
    Sent& front = sent_.front();
    front.next = static_cast<u8>(seq + 1);
    if (!rest && length == 0) front.stage = Stage::first;
  } else if (rest) {
    // The last packets of one message: they only count.
    if (!sent_.empty()) {
      Sent& one = from == Side::client ? sent_.back() : sent_.front();
      if (from == Side::client || one.next == seq) one.next = static_cast<u8>(seq + 1);
    }
  } else if (phase_ == Phase::commands) {
    if (from == Side::client) on_asked(payload, frame);
    else on_answered(payload, frame);
  } else if (phase_ == Phase::greeting) {
    if (from == Side::server) on_greeting(payload);
    else wrong();
  } else if (from == Side::client) {
    if (phase_ == Phase::response) on_response(payload, length);
  } else {
    on_authentication(payload);
  }
  return !wrong_ && talk_.stopped() == nullptr;
}

void Mysql::on_greeting(std::string_view payload) {
  auto greeting = read_greeting(payload);
  // A server may refuse at once.
  if (!greeting) return first_of(payload) == kError ? void() : wrong();
  capabilities_ = greeting->capabilities;
  if (greeting->version.find("MariaDB") != std::string_view::npos) system_ = "mariadb";
  phase_ = Phase::response;
}

void Mysql::on_response(std::string_view payload, size_t length) {
  Reader reader(payload);
  u32 wants = static_cast<u32>(reader.integer(4));
  if (!(wants & kProtocol41)) return stop("old_protocol");
  capabilities_ &= wants;
  known_ = true;
  if ((wants & kSsl) && length == 32) return stop("tls");
  phase_ = Phase::authentication;
  reader.take(4 + 1 + 23);
  reader.text();
  if (wants & kLenencAuth) reader.take(reader.length());
  else if (wants & kSecureConnection) reader.take(reader.integer(1));
  else reader.text();
  if ((wants & kConnectWithDb) && reader.whole()) database_ = reader.text();
  if (!reader.whole()) database_.clear();
}

void Mysql::on_authentication(std::string_view payload) {
  if (payload.empty() || first_of(payload) != kOk) return;
  phase_ = Phase::commands;
  Ok ok = read_ok(payload, capabilities_ & kSessionTrack);
  escapes_ = ok.status & kNoBackslashEscapes ? sql::Escapes::no : sql::Escapes::yes;
  if (ok.moved) database_ = ok.database;
  if (capabilities_ & (kCompress | kZstd)) stop("compressed");
}

void Mysql::on_asked(std::string_view payload, const Frame& frame) {
  u8 seq = static_cast<u8>(frame.kept[3]);
  if (seq == 0 && !payload.empty()) return on_command(payload, frame);
  // What authentication asks for.
  if (seq == 0 || sent_.empty()) return wrong();
  sent_.front().next = static_cast<u8>(seq + 1);
}

QueryPointer Mysql::query_of(Command command, std::string_view payload, bool cut) {
  sql::Syntax syntax{sql::Dialect::mysql, escapes_};
  if (command == Command::query) {
    bool attributes = known_ ? capabilities_ & kQueryAttributes
                             : payload.substr(1, 2) == std::string_view("\0\1", 2);
    auto text = query_text(payload, attributes);
    return text ? std::make_shared<Query>(sql::read(*text, syntax, cut)) : nullptr;
  }
  if (command == Command::prepare)
    return last_prepared_ = std::make_shared<Query>(sql::read(payload.substr(1), syntax, cut));
  if (command != Command::execute && command != Command::bulk_execute && command != Command::fetch)
    return nullptr;
  auto id = static_cast<u32>(Reader(payload.substr(1)).integer(4));
  if (id == kLastStatement) return last_prepared_;
  return statements_.get(std::to_string(id));
}

void Mysql::on_command(std::string_view payload, const Frame& frame) {
  auto command = static_cast<Command>(payload[0]);
  Reader reader(payload.substr(1));
  // These are not answered.
  if (command == Command::quit || command == Command::send_long_data) return;
  if (command == Command::close) {
    statements_.erase(std::to_string(static_cast<u32>(reader.integer(4))));
    return;
  }
  if (command == Command::binlog_dump || command == Command::binlog_dump_gtid) return stop("replication");
  if (sent_.size() >= kMaxWaiting) return stop("too_many_open");
  Sent sent;
  sent.command = command;
  sent.seq = frame.first.seq;
  sent.query = query_of(command, payload, frame.kept.size() < frame.total);
  if (command == Command::fetch) sent.stage = Stage::rows;
  if (command == Command::init_db) {
    sent.database = reader.rest();
  } else if (command == Command::change_user) {
    reader.text();
    reader.take(reader.integer(1));
    std::string_view name = reader.text();
    if (reader.whole()) sent.database = name;
  } else if (command == Command::query && sent.query != nullptr) {
    sent.database = sent.query->database;
  }
  if (sent_.size() < kMaxOpen) sent.request = begin(sent, frame);
  else if (talk_.owns(frame.first)) talk_.missed("too_many_open");
  // Of what is executed the text is told; what is prepared gets its number.
  if (command != Command::prepare) sent.query = nullptr;
  sent_.push_back(std::move(sent));
}

Request* Mysql::begin(const Sent& sent, const Frame& frame) {
  Command command = sent.command;
  Request* request = talk_.begin(frame.first, Side::client);
  db::describe_system(*request, system_);
  db::describe_query(*request, sent.query.get(), system_);
  bool texts = command == Command::query || command == Command::execute || command == Command::bulk_execute;
  std::string_view name = name_of(command);
  if (!name.empty() && (!texts || sent.query == nullptr)) {
    Attributes(request->attributes).text("db.operation.name", name);
    request->name = name;
  }
  talk_.observe(request);
  talk_.count(request);
  return request;
}

bool Mysql::begins(Side from, const Piece& piece) const {
  std::string_view bytes = piece.text();
  if (from == Side::client) return !uploads() && is_command(bytes);
  // The first packet of an answer to what is open.
  if (bytes.size() <= kHeader || sent_.empty() || static_cast<u8>(bytes[3]) != 1) return false;
  return length_of(bytes) > 0 && (!piece.has_ack || seq_diff(piece.ack, sent_.front().seq) > 0);
}

void Mysql::lose_all(const char* cause) {
  for (Sent& sent : sent_)
    if (sent.request != nullptr) db::lose(talk_, sent.request, database_, {}, cause);
  sent_.clear();
}

// Answers were not seen: nobody knows how what is open has ended, nor whether it has changed the database.
void Mysql::interrupt_all(u64 time_ns) {
  for (Sent& sent : sent_) {
    if (sent.request != nullptr) db::interrupt(talk_, sent.request, database_, time_ns);
    if (!sent.database.empty()) database_.clear();
  }
  sent_.clear();
}

void Mysql::fail_all(u64 time_ns) {
  for (Sent& sent : sent_)
    if (sent.request != nullptr) db::fail(talk_, sent.request, database_, time_ns);
  sent_.clear();
}

void Mysql::stop(const char* reason) {
  talk_.stop(reason);
  for (FrameReader* frames : {&asking_, &answering_}) frames->reset(reason);
  lose_all(reason);
}

void Mysql::join(Side from) {
  whole_ = false;
  phase_ = Phase::commands;
  if (!known_) escapes_ = sql::Escapes::unknown;
  seeks_[static_cast<size_t>(from)] = true;
  continues_[static_cast<size_t>(from)] = false;
}

void Mysql::lose_track(Side from, u64 time_ns) {
  of(from).reset("resync");
  join(from);
  if (from == Side::server) return interrupt_all(time_ns);
  missing_ = true;
  database_.clear();
  statements_.clear();
  last_prepared_ = nullptr;
}

void Mysql::hole(Side from, u32 length, u64 time_ns) {
  bool seeks = seeks_[static_cast<size_t>(from)];
  if (seeks || !of(from).skip(length, time_ns)) lose_track(from, time_ns);
  else if (std::exchange(wrong_, false)) lose_track(from, time_ns);
}

void Mysql::end(Side from, u64 time_ns) {
  of(from).reset("incomplete");
  if (from == Side::server) fail_all(time_ns);
}

void Mysql::close(const char* cause, u64 time_ns) {
  for (FrameReader* frames : {&asking_, &answering_}) frames->reset("incomplete");
  if (cause != nullptr) lose_all(cause);
  fail_all(time_ns);
}

}  // namespace mysql

Verdict detect_mysql(std::string_view bytes, Side from, Where where) {
  if (is_within(where))
    return from == Side::client && mysql::is_command(bytes) ? Verdict::yes : Verdict::no;
  // The server speaks first.
  if (from == Side::client) return Verdict::no;
  if (!mysql::may_greet(bytes)) return Verdict::no;
  if (bytes.size() < mysql::kHeader || bytes.size() < mysql::kHeader + mysql::length_of(bytes))
    return Verdict::maybe;
  return mysql::read_greeting(bytes.substr(mysql::kHeader, mysql::length_of(bytes))) ? Verdict::yes
                                                                                     : Verdict::no;
}

std::unique_ptr<Parser> make_mysql(Conversation& conversation) {
  return std::make_unique<mysql::Mysql>(conversation);
}

}  // namespace clover
