#include "sip_message.h"

#include <algorithm>

namespace clover::sip {
namespace {

constexpr std::string_view kVersion = "SIP/2.0";
constexpr size_t kMaxLine = 8192;   // of a first line that is not whole
constexpr u64 kMaxSequence = 0x7fffffff;  // RFC 3261 §8.1.1.5
constexpr u64 kMaxLength = 0xffffffff;
constexpr size_t kNone = std::string_view::npos;
constexpr int kDigitsOfNumber = 7, kDigitsOfShortNumber = 5;

constexpr std::string_view kMethods[] = {
    "ACK",     "BYE",   "CANCEL", "INFO",     "INVITE",    "MESSAGE", "NOTIFY",
    "OPTIONS", "PRACK", "PUBLISH", "REFER",   "REGISTER",  "SUBSCRIBE", "UPDATE"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool is_space(char c) { return c == ' ' || c == '\t'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool is_token(char c) {
  return is_digit(c) || is_letter(c) || std::string_view("-.!%*_+`'~").find(c) != kNone;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_token(c); });
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Digits alone, at most `limit`.
bool read_number(std::string_view text, u64 limit, u64& out) {
  if (text.empty()) return false;
  out = 0;
  for (char c : text) {
    if (!is_digit(c)) return false;
    out = out * 10 + static_cast<u64>(c - '0');
    if (out > limit) return false;
  }
  return true;
}

// Where one of `ends` stands outside of quotes, or the end; kNone where a quote is not closed.
size_t find_plain(std::string_view text, std::string_view ends) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); i++) {
    if (quoted && text[i] == '\\') i++;
    else if (text[i] == '"') quoted = !quoted;
    else if (!quoted && ends.find(text[i]) != kNone) return i;
  }
  return quoted ? kNone : text.size();
}

// Hands out `;name=value` by `;name=value`. False where one is none.
template <typename Take>
bool read_parameters(std::string_view text, Take take) {
  text = trim(text);
  while (!text.empty()) {
    if (text.front() != ';') return false;
    text.remove_prefix(1);
    size_t end = find_plain(text, ";");
    if (end == kNone) return false;
    std::string_view one = trim(text.substr(0, end));
    size_t equals = one.find('=');
    std::string_view name = trim(one.substr(0, equals));
    if (!is_token(name)) return false;
    take(name, equals == kNone ? std::string_view() : trim(one.substr(equals + 1)));
    text.remove_prefix(end);
  }
  return true;
}

// From and To (RFC 3261 §20.10): without angle brackets the parameters are the field's.
bool read_address(std::string_view value, std::string_view& uri, std::string_view& tag) {
  size_t open = find_plain(value, "<");
  if (open == kNone) return false;
  std::string_view parameters;
  if (open < value.size()) {
    size_t close = value.find('>', open);
    if (close == kNone) return false;
    uri = trim(value.substr(open + 1, close - open - 1));
    parameters = value.substr(close + 1);
  } else {
    size_t end = std::min(value.find(';'), value.size());
    uri = trim(value.substr(0, end));
    parameters = value.substr(end);
  }
  bool has_scheme = uri.find(':') != kNone && is_letter(uri.front());
  return has_scheme && read_parameters(parameters, [&](std::string_view name, std::string_view text) {
           if (same(name, "tag")) tag = text;
         });
}

// The topmost value of Via: `SIP / 2.0 / UDP host : port ; parameters , the next`.
bool read_via(std::string_view value, Message& out) {
  size_t comma = find_plain(value, ",");
  if (comma == kNone) return false;
  value = value.substr(0, comma);
  size_t slash = value.find('/');
  if (slash == kNone || !same(trim(value.substr(0, slash)), "SIP")) return false;
  size_t second = value.find('/', slash + 1);
  if (second == kNone || trim(value.substr(slash + 1, second - slash - 1)) != "2.0") return false;
  value = trim(value.substr(second + 1));
  size_t space = value.find_first_of(" \t");
  if (space == kNone || !is_token(value.substr(0, space))) return false;
  value = trim(value.substr(space));
  size_t end = std::min(value.find(';'), value.size());
  out.sent_by = trim(value.substr(0, end));
  if (out.sent_by.empty()) return false;
  return read_parameters(value.substr(end), [&](std::string_view name, std::string_view text) {
    if (same(name, "branch")) out.branch = text;
  });
}

bool read_cseq(std::string_view value, Message& out, std::string_view& method) {
  size_t space = value.find_first_of(" \t");
  if (space == kNone) return false;
  u64 number = 0;
  method = trim(value.substr(space));
  if (!read_number(value.substr(0, space), kMaxSequence, number) || !is_token(method)) return false;
  out.cseq = static_cast<u32>(number);
  return true;
}

// Fields that a message has once; those of the first row it cannot do without.
enum Field : u8 {
  kCallId, kCseq, kFrom, kTo, kVia, kNeeded,
  kLength = kNeeded, kAgent, kOther,
};

Field field_of(std::string_view name) {
  static constexpr std::pair<std::string_view, Field> kNames[] = {
      {"call-id", kCallId}, {"i", kCallId}, {"cseq", kCseq}, {"from", kFrom}, {"f", kFrom}, {"to", kTo},
      {"t", kTo}, {"via", kVia}, {"v", kVia}, {"content-length", kLength}, {"l", kLength},
      {"user-agent", kAgent}};
  for (const auto& [known, field] : kNames)
    if (same(name, known)) return field;
  return kOther;
}

// A value goes on in the next line where that begins with a space (RFC 3261 §7.3.1).
void unfold(std::string_view block, std::string& out) {
  out.assign(block);
  for (size_t at = out.find('\n'); at != kNone && at + 1 < out.size(); at = out.find('\n', at + 1)) {
    if (!is_space(out[at + 1])) continue;
    out[at] = ' ';
    if (at > 0 && out[at - 1] == '\r') out[at - 1] = ' ';
  }
}

// Takes a line, without its end, from the front.
std::string_view next_line(std::string_view& rest) {
  size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest = end == kNone ? std::string_view() : rest.substr(end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool read_first_line(std::string_view line, Message& out) {
  if (line.size() > kVersion.size() && same(line.substr(0, kVersion.size()), kVersion)) {
    // Three digits, and a space even where no reason follows.
    line.remove_prefix(kVersion.size());
    u64 status = 0;
    if (line.size() < 5 || line[0] != ' ' || line[4] != ' ' || !read_number(line.substr(1, 3), 999, status))
      return false;
    out.status = static_cast<int>(status);
    return status >= 100 && status < 700;
  }
  size_t space = line.find(' '), last = line.rfind(' ');
  if (space == kNone || last == space || !same(line.substr(last + 1), kVersion)) return false;
  out.method = line.substr(0, space);
  out.uri = line.substr(space + 1, last - space - 1);
  bool plain = out.uri.find_first_of(" \t<>") == kNone && out.uri.find(':') != kNone;
  return plain && is_token(out.method);
}

bool read_field(Field field, std::string_view value, Message& out, std::string_view& cseq_method) {
  u64 length = 0;
  switch (field) {
    case kCallId: out.call_id = value; return !value.empty();
    case kCseq: return read_cseq(value, out, cseq_method);
    case kFrom: return read_address(value, out.from_uri, out.from_tag);
    case kTo: return read_address(value, out.to_uri, out.to_tag);
    case kVia: return read_via(value, out);
    case kLength:
      out.has_length = read_number(value, kMaxLength, length);
      out.length = length;
      return out.has_length;
    case kAgent: out.user_agent = value; return true;
    case kOther: return true;
  }
  return true;
}

}  // namespace

Reading read_head(std::string_view block, Message& out) {
  unfold(block, out.text);
  std::string_view rest = out.text, cseq_method;
  bool sound = read_first_line(next_line(rest), out), endless = false;
  u32 seen = 0;
  while (!rest.empty()) {
    std::string_view line = next_line(rest);
    if (line.empty()) break;
    size_t colon = line.find(':');
    std::string_view name = trim(line.substr(0, colon));
    if (colon == kNone || !is_token(name)) {
      sound = false;
      continue;
    }
    Field field = field_of(name);
    bool again = field != kOther && (seen >> field & 1);
    seen |= 1u << field;
    // Via is a list: its first value is the one that counts.
    if (again && field == kVia) continue;
    // A copy of its own has a second opinion on the call, or on the message's end.
    std::string_view value = trim(line.substr(colon + 1));
    if (field == kOther) out.trace.take(name, value);
    bool read = !(again && field <= kLength) && read_field(field, value, out, cseq_method);
    sound = sound && read;
    if (!read && field == kLength) endless = true;
  }
  constexpr u32 kAll = (1u << kNeeded) - 1;
  if (endless) return Reading::endless;
  if (out.response()) out.method = cseq_method;
  // A request that calls itself by two names is answered with 400 (RFC 4475 §3.1.2.17).
  if ((seen & kAll) != kAll || out.method != cseq_method) sound = false;
  return sound ? Reading::sound : Reading::malformed;
}

bool starts_response(std::string_view bytes) {
  return bytes.size() >= 12 && bytes.substr(0, 8) == "SIP/2.0 " && bytes[8] >= '1' && bytes[8] <= '6' &&
         is_digit(bytes[9]) && is_digit(bytes[10]) && bytes[11] == ' ';
}

bool starts_request(std::string_view bytes) {
  size_t end = bytes.substr(0, kMaxLine).find('\n');
  if (end == kNone) return false;
  std::string_view rest = bytes;
  std::string_view line = next_line(rest);
  // What is wrong within the line is for its reader to say.
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  size_t space = line.find(' '), last = line.rfind(' ');
  if (space == kNone || last <= space) return false;
  return is_token(line.substr(0, space)) && line.substr(last + 1) == kVersion;
}

bool may_start(std::string_view bytes) {
  constexpr std::string_view kResponse = "SIP/2.0 ";
  size_t n = std::min(bytes.size(), kResponse.size());
  if (bytes.substr(0, n) == kResponse.substr(0, n)) return bytes.size() < 12 || starts_response(bytes);
  if (bytes.find('\n') != kNone) return starts_request(bytes);
  // Other protocols have lines of this form: until the version tells, a known method and a URI's scheme do.
  size_t space = bytes.find(' ');
  std::string_view method = bytes.substr(0, space);
  bool known = std::any_of(std::begin(kMethods), std::end(kMethods), [&](std::string_view one) {
    return space == kNone ? one.substr(0, method.size()) == method : one == method;
  });
  if (bytes.size() > kMaxLine || !known) return false;
  return space == kNone || space + 1 == bytes.size() || is_letter(bytes[space + 1]);
}

bool is_known_method(std::string_view method) {
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

namespace {

bool is_number(std::string_view user) {
  auto digits = std::count_if(user.begin(), user.end(), is_digit);
  bool plain = std::all_of(user.begin(), user.end(), [](char c) {
    return is_digit(c) || std::string_view("+-.()*# ").find(c) != kNone;
  });
  return digits >= kDigitsOfNumber || (plain && digits >= kDigitsOfShortNumber);
}

}  // namespace

std::string redacted_uri(std::string_view uri) {
  size_t colon = uri.find(':');
  if (colon == kNone) return "";
  std::string out(uri.substr(0, colon + 1));
  std::transform(out.begin(), out.end(), out.begin(), lower);
  std::string_view rest = uri.substr(colon + 1);
  size_t at = rest.find('@');
  bool has_user = at != kNone || out == "tel:";
  if (has_user) {
    std::string_view user = rest.substr(0, std::min(at, rest.find_first_of(":;")));
    out.append(is_number(user) ? "REDACTED" : user);
    if (at == kNone) return out;
    out.push_back('@');
    rest.remove_prefix(at + 1);
  }
  return out.append(rest.substr(0, rest.find_first_of(";?")));
}

}  // namespace clover::sip
