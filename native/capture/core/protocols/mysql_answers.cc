// What a server of MySQL says to a command.
#include <algorithm>

#include "../db_span.h"
#include "mysql_parser.h"

namespace clover::mysql {
namespace {

constexpr u16 kProgress = 0xffff;        // MariaDB: an "error" of this number says how far it came

}  // namespace

void Mysql::on_answered(std::string_view payload, const Frame& frame) {
  u8 seq = static_cast<u8>(frame.kept[3]);
  size_t length = frame.total - kHeader;
  bool older = !whole_ && seq == 1 && !sent_.empty() && sent_.front().stage == Stage::first &&
               frame.first.has_ack && seq_diff(frame.first.ack, sent_.front().seq) <= 0;
  if (sent_.empty() || older) {
    // Behind what is prepared, where nobody knows whether it is there.
    if (!known_ && first_of(payload) == kEof && length == 5) return;
    // A server says by itself why it ends the session.
    if (whole_ && first_of(payload) != kError) return wrong();
    if (whole_) return;
    if (seq != 1) return wrong();
    orphan(frame);
    sent_.push_front(Sent{});
  }
  Sent& front = sent_.front();
  // A hole may have taken packets of the file.
  if (front.stage == Stage::upload) front.next = seq;
  if (front.next != seq) {
    if (!known_ && first_of(payload) == kEof && length == 5) return;
    return wrong();
  }
  front.next++;
  if (front.request != nullptr) front.request->answered(frame.first);
  if (payload.empty()) return wrong();
  if (first_of(payload) == kError) {
    auto code = static_cast<u16>(Reader(payload.substr(1)).integer(2));
    if (code != kProgress) finish(frame.end_ns, std::to_string(code));
    return;
  }
  switch (front.stage) {
    case Stage::first:
    case Stage::upload:
      return on_first(payload, frame);
    case Stage::columns:
      if (--front.left == 0) front.stage = Stage::columns_end;
      break;
    case Stage::columns_end:
      if (first_of(payload) == kEof && length == 5) {
        u64 status = Reader(payload.substr(3)).integer(2);
        front.stage = Stage::rows;
        // The rows wait behind a cursor, for a fetch; and what is prepared has none.
        if (front.command == Command::prepare || (status & kCursorExists)) finish(frame.end_ns, {});
        break;
      }
      front.stage = Stage::rows;
      [[fallthrough]];
    case Stage::rows:
      if (is_end(payload, length)) end_result(payload, length, frame.end_ns);
      break;
    case Stage::parameters:
      if (--front.left > 0) break;
      front.stage = Stage::parameters_end;
      if (known_ && !(capabilities_ & kDeprecateEof)) break;
      if (known_ && front.columns == 0) finish(frame.end_ns, {});
      else if (!known_ && front.columns == 0) finish(frame.end_ns, {});
      else if (known_) front.stage = Stage::columns, front.left = front.columns;
      break;
    case Stage::parameters_end:
      if (front.columns == 0) return finish(frame.end_ns, {});
      front.stage = Stage::columns;
      front.left = front.columns;
      // Without its end this was the first column.
      if ((first_of(payload) != kEof || length != 5) && --front.left == 0) front.stage = Stage::columns_end;
  }
  // No mark stands behind the columns of what was prepared, where there are no marks.
  if (sent_.empty() || sent_.front().command != Command::prepare) return;
  bool marked = known_ && !(capabilities_ & kDeprecateEof);
  if (sent_.front().stage == Stage::columns_end && !marked) finish(frame.end_ns, {});
}

void Mysql::on_first(std::string_view payload, const Frame& frame) {
  Sent& front = sent_.front();
  size_t length = frame.total - kHeader;
  u8 first = first_of(payload);
  switch (front.command) {
    case Command::query:
    case Command::execute:
    case Command::bulk_execute:
    case Command::process_info:
      if (first == kOk && length >= 7) return end_result(payload, length, frame.end_ns);
      if (first == kLocalInfile) {
        front.stage = Stage::upload;
        return;
      }
      return on_result(front, payload, length);
    case Command::prepare:
      return on_prepared(front, payload, frame.end_ns);
    case Command::field_list:
      front.stage = Stage::rows;
      if (is_end(payload, length)) end_result(payload, length, frame.end_ns);
      return;
    case Command::change_user:
      if (first == kMore || first == kEof) return;
      [[fallthrough]];
    default:
      if (first == kOk) end_result(payload, length, frame.end_ns);
      else finish(frame.end_ns, {});
  }
}

// How many columns follow.
void Mysql::on_result(Sent& front, std::string_view payload, size_t length) {
  Reader reader(payload);
  bool described = true;
  // MySQL says first whether it describes them; MariaDB does so behind their number.
  if (known_ && system_ == "mysql" && (capabilities_ & kOptionalMetadata))
    described = reader.integer(1) != 0;
  front.left = reader.length();
  if (system_ == "mariadb" && reader.rest().size() == 1) described = reader.integer(1) != 0;
  if (!reader.whole() || front.left == 0 || front.left > kMaxColumns || length > 10) return wrong();
  front.stage = described ? Stage::columns : Stage::columns_end;
}

void Mysql::on_prepared(Sent& front, std::string_view payload, u64 end_ns) {
  Reader reader(payload);
  u64 ok = reader.integer(1);
  auto id = static_cast<u32>(reader.integer(4));
  front.columns = reader.integer(2);
  front.left = reader.integer(2);
  if (ok != kOk || !reader.whole()) return wrong();
  statements_.set(std::to_string(id), front.query);
  bool described = true;
  if (known_ && system_ == "mysql" && (capabilities_ & kOptionalMetadata)) {
    reader.take(1 + 2);
    described = reader.integer(1) != 0;
  }
  if (!described) return finish(end_ns, {});
  if (front.left > 0) front.stage = Stage::parameters;
  else if (front.columns > 0) front.stage = Stage::columns, front.left = front.columns;
  else finish(end_ns, {});
}

// A row cannot begin so: its first length would be of a string longer than the packet.
bool Mysql::is_end(std::string_view payload, size_t length) const {
  return first_of(payload) == kEof && length < kMaxPayload && (length == 5 || length >= 7);
}

void Mysql::end_result(std::string_view payload, size_t length, u64 end_ns) {
  Ok ok;
  if (length == 5 && first_of(payload) == kEof)
    ok.status = static_cast<u16>(Reader(payload.substr(3)).integer(2));
  else ok = read_ok(payload, !known_ || (capabilities_ & kSessionTrack));
  escapes_ = ok.status & kNoBackslashEscapes ? sql::Escapes::no : sql::Escapes::yes;
  if (ok.moved) sent_.front().database = ok.database;
  if (ok.status & kMoreResults) sent_.front().stage = Stage::first;
  else finish(end_ns, {});
}

void Mysql::finish(u64 end_ns, std::string_view code) {
  Sent sent = std::move(sent_.front());
  sent_.pop_front();
  if (sent.command == Command::reset_connection && code.empty()) statements_.clear();
  if (sent.request != nullptr) {
    db::describe_end(*sent.request, database_, code, {});
    talk_.finish(sent.request, std::max(end_ns, sent.request->start_ns), !code.empty());
  }
  if (code.empty() && !sent.database.empty()) database_ = sent.database;
}

// An answer whose command was not seen.
void Mysql::orphan(const Frame& frame) {
  if (!talk_.owns(frame.first)) return;
  if (missing_) talk_.missed("hole");
  else if (talk_.late() && talk_.ordinals() == sent_.size() && !talk_.shadowed())
    talk_.missed("before_attach");
}

}  // namespace clover::mysql
