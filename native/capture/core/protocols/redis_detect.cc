// Which first bytes are those of Redis.
#include <algorithm>

#include "redis.h"
#include "redis_command.h"

namespace clover {
namespace {

constexpr size_t kMaxLine = 1024;
constexpr std::string_view kReplies = "+-:$*_,#(!=%~>|";

// What the first word behind the name is in the request of a protocol whose methods are called as commands are.
constexpr std::string_view kTargets[] = {"/", "http:", "https:", "sip:", "sips:", "tel:"};

bool begins_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

// A command as one writes it by hand: a name that is known, and words. Maybe, as the reply has to tell.
Verdict detect_line(std::string_view bytes) {
  std::string_view line = bytes.substr(0, bytes.find('\n'));
  bool whole = line.size() < bytes.size();
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  bool plain = std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!plain || line.size() > kMaxLine) return Verdict::no;
  std::string_view name = line.substr(0, line.find(' '));
  bool named = whole || name.size() < line.size();
  if (named ? !redis::is_known(name) : !redis::may_be_known(name)) return Verdict::no;
  std::string_view word = line.substr(std::min(name.size() + 1, line.size()));
  bool other = std::any_of(std::begin(kTargets), std::end(kTargets),
                           [&](std::string_view target) { return begins_with(word, target); });
  return other ? Verdict::no : Verdict::maybe;
}

}  // namespace

Verdict redis::detect_values(std::string_view bytes, bool commands) {
  RespReader reader(nullptr, commands);
  Piece piece;
  piece.data = reinterpret_cast<const u8*>(bytes.data());
  piece.length = static_cast<u32>(bytes.size());
  size_t whole = 0;
  while (piece.length > 0 && reader.failed() == nullptr) {
    piece.drop(reader.read(piece));
    if (!reader.done()) continue;
    const RespValue& value = reader.value();
    if (commands && (value.type != '*' || value.count < 1 || !is_name(value.parts[0]))) return Verdict::no;
    whole++;
  }
  if (reader.failed() != nullptr) return Verdict::no;
  return whole > 0 ? Verdict::yes : Verdict::maybe;
}

Verdict detect_redis(std::string_view bytes, Side from, Where where) {
  // A server says nothing before it is asked: its reply tells what could be other text, too.
  if (from == Side::server) {
    bool typed = bytes.empty() || kReplies.find(bytes[0]) != std::string_view::npos;
    return typed && !is_within(where) ? redis::detect_values(bytes, false) : Verdict::no;
  }
  if (where == Where::hinted) {
    if (!bytes.empty() && bytes[0] != '*') return detect_line(bytes);
    return redis::detect_values(bytes, true) == Verdict::yes ? Verdict::yes : Verdict::no;
  }
  // A reply can be an array of strings, too: only a name that is known tells a command from it.
  if (where == Where::middle) {
    size_t name = std::min(bytes.find('\n', bytes.find('\n') + 1), bytes.size());
    std::string_view rest = bytes.substr(std::min(name + 1, bytes.size()));
    bool known = !bytes.empty() && bytes[0] == '*' && redis::is_known(rest.substr(0, rest.find('\r')));
    return known && redis::detect_values(bytes, true) == Verdict::yes ? Verdict::yes : Verdict::no;
  }
  if (!bytes.empty() && bytes[0] != '*') return detect_line(bytes);
  // `*3\r\n$3\r\nSET\r\n`: counts and lengths in a few digits, and a name behind them.
  size_t at = 1;
  auto number = [&](i64& out) {
    for (size_t digits = 0; at < bytes.size() && digits <= 7; at++, digits++) {
      char c = bytes[at];
      if (c >= '0' && c <= '9') out = out * 10 + (c - '0');
      else return digits > 0 && c == '\r' && (at + 1 >= bytes.size() || bytes[at + 1] == '\n');
    }
    return at >= bytes.size();
  };
  i64 count = 0, length = 0;
  if (!bytes.empty() && !number(count)) return Verdict::no;
  if (at + 2 >= bytes.size()) return Verdict::maybe;
  at += 2;
  if (count < 1 || bytes[at++] != '$' || !number(length)) return Verdict::no;
  if (at + 2 >= bytes.size()) return Verdict::maybe;
  at += 2;
  std::string_view name = bytes.substr(at, static_cast<size_t>(length));
  if (length < 1 || length > 32 || !redis::is_name(name)) return Verdict::no;
  std::string_view rest = bytes.substr(at + name.size(), 2);
  if (rest != std::string_view("\r\n").substr(0, rest.size())) return Verdict::no;
  return rest.size() == 2 ? Verdict::yes : Verdict::maybe;
}

}  // namespace clover
