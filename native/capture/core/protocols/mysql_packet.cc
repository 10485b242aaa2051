#include "mysql_packet.h"

#include <algorithm>

namespace clover::mysql {

std::string_view name_of(Command command) {
  switch (command) {
    case Command::init_db: return "INIT DB";
    case Command::query: return "QUERY";
    case Command::field_list: return "FIELD LIST";
    case Command::statistics: return "STATISTICS";
    case Command::process_info: return "PROCESS INFO";
    case Command::ping: return "PING";
    case Command::change_user: return "CHANGE USER";
    case Command::prepare: return "PREPARE";
    case Command::execute: return "EXECUTE";
    case Command::fetch: return "FETCH";
    case Command::reset_connection: return "RESET CONNECTION";
    case Command::bulk_execute: return "BULK EXECUTE";
    default: return {};
  }
}

u64 Reader::integer(size_t bytes) {
  u64 value = 0;
  std::string_view text = take(bytes);
  for (size_t i = text.size(); i > 0; i--) value = value << 8 | static_cast<u8>(text[i - 1]);
  return value;
}

u64 Reader::length() {
  auto first = static_cast<u8>(integer(1));
  if (first < 0xfb) return first;
  if (first == 0xfb) return 0;
  if (first == 0xff) whole_ = false;
  return integer(first == 0xfc ? 2 : first == 0xfd ? 3 : first == 0xfe ? 8 : 0);
}

std::string_view Reader::take(u64 bytes) {
  if (bytes > rest_.size()) {
    whole_ = false;
    rest_ = {};
    return {};
  }
  std::string_view text = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return text;
}

std::string_view Reader::text() {
  size_t end = rest_.find('\0');
  if (end == std::string_view::npos) {
    whole_ = false;
    return take(rest_.size());
  }
  std::string_view text = take(end);
  take(1);
  return text;
}

u32 length_of(std::string_view header) { return static_cast<u32>(Reader(header.substr(0, 3)).integer(3)); }

std::optional<Greeting> read_greeting(std::string_view payload) {
  Reader reader(payload);
  if (reader.integer(1) != 10) return std::nullopt;
  Greeting greeting;
  greeting.version = reader.text();
  reader.take(4 + 8);
  u64 filler = reader.integer(1);
  greeting.capabilities = static_cast<u32>(reader.integer(2));
  reader.take(1 + 2);
  greeting.capabilities |= static_cast<u32>(reader.integer(2)) << 16;
  bool plain = !greeting.version.empty() && std::all_of(greeting.version.begin(), greeting.version.end(),
                                                        [](char c) { return c > ' ' && c < 0x7f; });
  if (!reader.whole() || filler != 0 || !plain || !(greeting.capabilities & kProtocol41)) return std::nullopt;
  return greeting;
}

bool may_greet(std::string_view bytes) {
  auto at = [&](size_t i) { return static_cast<u8>(bytes[i]); };
  if (bytes.size() > 0 && at(0) < 40) return false;
  for (size_t i = 1; i < std::min<size_t>(bytes.size(), kHeader); i++)
    if (at(i) != 0) return false;
  if (bytes.size() > kHeader && at(kHeader) != 10) return false;
  for (size_t i = kHeader + 1; i < bytes.size() && at(i) != 0; i++)
    if (at(i) <= ' ' || at(i) >= 0x7f) return false;
  return true;
}

Ok read_ok(std::string_view payload, bool tracks) {
  Ok ok;
  Reader reader(payload);
  reader.take(1);
  reader.length();
  reader.length();
  ok.status = static_cast<u16>(reader.integer(2));
  reader.take(2);
  if (!tracks || !(ok.status & kSessionChanged)) return ok;
  reader.take(reader.length());
  Reader changes(reader.take(reader.length()));
  while (changes.whole() && !changes.rest().empty()) {
    u64 type = changes.integer(1);
    Reader data(changes.take(changes.length()));
    if (type != 1) continue;  // SESSION_TRACK_SCHEMA
    ok.database = data.take(data.length());
    ok.moved = data.whole();
  }
  return ok;
}

namespace {

// Steps over the value of a query attribute (binary protocol values).
void skip_value(Reader& reader, u8 type) {
  switch (type) {
    case 6: return;                                              // NULL
    case 1: reader.take(1); return;                              // TINY
    case 2: case 13: reader.take(2); return;                     // SHORT, YEAR
    case 3: case 4: case 9: reader.take(4); return;              // LONG, FLOAT, INT24
    case 5: case 8: reader.take(8); return;                      // DOUBLE, LONGLONG
    case 7: case 10: case 11: case 12: reader.take(reader.integer(1)); return;  // dates and times
    default: reader.take(reader.length());
  }
}

// Whether a text begins as SQL does.
bool is_sql(std::string_view text) {
  constexpr std::string_view kFirst[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE",  "SET",
                                         "SHOW",   "BEGIN",  "START",  "COMMIT", "ROLLBACK", "CREATE",
                                         "ALTER",  "DROP",   "CALL",   "WITH",   "USE"};
  if (text.substr(0, 2) == std::string_view("\0\1", 2)) text.remove_prefix(2);
  while (!text.empty() && (text[0] == ' ' || text[0] == '(' || text[0] == '\n')) text.remove_prefix(1);
  return std::any_of(std::begin(kFirst), std::end(kFirst), [&](std::string_view word) {
    bool same = text.size() >= word.size() &&
                std::equal(word.begin(), word.end(), text.begin(),
                           [](char a, char b) { return a == b || (b >= 'a' && b <= 'z' && a == b - 32); });
    return same && (text.size() == word.size() || text[word.size()] == ' ' || text[word.size()] == '\n');
  });
}

}  // namespace

bool is_command(std::string_view bytes) {
  if (bytes.size() <= kHeader || length_of(bytes) != bytes.size() - kHeader || bytes[3] != 0)
    return false;
  std::string_view payload = bytes.substr(kHeader);
  auto command = static_cast<Command>(payload[0]);
  if (command == Command::query || command == Command::prepare) return is_sql(payload.substr(1));
  if (command != Command::execute || payload.size() < 10) return false;
  // Its iteration count is always one.
  return static_cast<u8>(payload[5]) <= 4 && Reader(payload.substr(6)).integer(4) == 1;
}

std::optional<std::string_view> query_text(std::string_view payload, bool attributes) {
  Reader reader(payload);
  reader.take(1);
  if (!attributes) return reader.rest();
  u64 count = reader.length();
  reader.length();  // of sets: one
  if (count > 0) {
    std::string_view nulls = reader.take((count + 7) / 8);
    if (reader.integer(1) != 1 || count > 64) return std::nullopt;
    u8 types[64] = {};
    for (u64 i = 0; i < count; i++) {
      types[i] = static_cast<u8>(reader.integer(2));
      reader.take(reader.length());
    }
    for (u64 i = 0; i < count && reader.whole(); i++)
      if (!(static_cast<u8>(nulls[i / 8]) >> (i % 8) & 1)) skip_value(reader, types[i]);
  }
  if (!reader.whole()) return std::nullopt;
  return reader.rest();
}

}  // namespace clover::mysql
