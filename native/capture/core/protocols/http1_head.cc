#include "http1_head.h"

#include <algorithm>

namespace clover {
namespace {

constexpr size_t kMaxMethod = 24;
constexpr std::string_view kMethods[] = {"GET",     "POST",  "PUT",   "DELETE", "HEAD",
                                         "OPTIONS", "PATCH", "TRACE", "CONNECT"};

bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != 0 && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr;
}

bool same(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (size_t i = 0; i < a.size(); i++) {
    char c = a[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (c != lower[i]) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes the next line off `rest`, without its end.
std::string_view take_line(std::string_view& rest) {
  size_t at = rest.find('\n');
  std::string_view line = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool parse_length(std::string_view value, Head& out) {
  // "5, 5" is allowed by RFC 9110 §8.6 but an attack in practice.
  if (value.empty() || value.size() > 18) return false;
  u64 length = 0;
  for (char c : value) {
    if (c < '0' || c > '9') return false;
    length = length * 10 + static_cast<u64>(c - '0');
  }
  if (out.has_length && out.length != length) return false;
  out.has_length = true;
  out.length = length;
  return true;
}

bool parse_codings(std::string_view value, Head& out) {
  if (out.chunked) return false;  // nothing may follow chunked
  while (!value.empty()) {
    size_t comma = value.find(',');
    std::string_view coding = trim(value.substr(0, comma));
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    if (coding.empty()) continue;
    if (out.chunked) return false;
    if (same(coding, "chunked")) out.chunked = true;
    else if (!same(coding, "identity")) out.other_coding = true;
  }
  return true;
}

bool parse_field(std::string_view name, std::string_view value, Head& out) {
  switch (name.size()) {
    case 4:
      if (same(name, "host")) out.host = value;
      return true;
    case 7:
      if (same(name, "upgrade")) out.upgrade = value;
      return true;
    case 10:
      if (same(name, "user-agent")) out.user_agent = value;
      else out.trace.take(name, value);
      return true;
    case 12:
      if (same(name, "x-clover-arm")) out.stamp = value;
      else out.trace.take(name, value);
      return true;
    case 14:
      return !same(name, "content-length") || parse_length(value, out);
    case 17:
      return !same(name, "transfer-encoding") || parse_codings(value, out);
    default:
      out.trace.take(name, value);
      return true;
  }
}

void parse_fields(std::string_view rest, Head& out) {
  std::string_view name;
  for (;;) {
    std::string_view line = take_line(rest);
    if (line.empty()) break;
    size_t colon = line.find(':');
    bool folded = line[0] == ' ' || line[0] == '\t';  // goes on with the field before it
    if (!folded) name = line.substr(0, colon);
    bool sound = !folded && colon != std::string_view::npos && is_token(name);
    if (sound && out.wanted != nullptr) keep_field(*out.wanted, name, trim(line.substr(colon + 1)), out.kept);
    if (sound ? !parse_field(name, trim(line.substr(colon + 1)), out) : frames_body(name))
      out.ambiguous = true;
  }
}

bool parse_version(std::string_view text, Head& out) {
  if (text.size() != 8 || text.substr(0, 7) != "HTTP/1.") return false;
  if (text[7] < '0' || text[7] > '9') return false;
  out.version = text.substr(5);
  return true;
}

// Words of the line are parted by any number of blanks, as RFC 9112 §3 lets a lenient reader do.
bool parse_request_line(std::string_view line, Head& out) {
  line = trim(line);
  size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return false;
  out.method = line.substr(0, first);
  out.target = trim(line.substr(first, last - first));
  if (out.method.size() > kMaxMethod || !is_token(out.method) || out.target.empty()) return false;
  return parse_version(line.substr(last + 1), out);
}

bool parse_status_line(std::string_view line, Head& out) {
  if (line.size() < 12 || line[8] != ' ' || !parse_version(line.substr(0, 8), out)) return false;
  if (line.size() > 12 && line[12] != ' ') return false;
  for (char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return false;
    out.status = out.status * 10 + (c - '0');
  }
  return out.status >= 100;
}

}  // namespace

bool frames_body(std::string_view line) {
  std::string_view name = trim(line.substr(0, line.find(':')));
  return same(name, "content-length") || same(name, "transfer-encoding");
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_token_char(c); });
}

bool parse_request_head(std::string_view block, Head& out) {
  if (!parse_request_line(take_line(block), out)) return false;
  parse_fields(block, out);
  // A request's body cannot end with the connection, and one with both framings is an attack.
  bool coded = out.chunked || out.other_coding;
  if (out.has_length ? coded : coded && !out.chunked) out.ambiguous = true;
  return true;
}

bool parse_response_head(std::string_view block, Head& out) {
  if (!parse_status_line(take_line(block), out)) return false;
  parse_fields(block, out);
  return true;
}

bool may_start_request(std::string_view bytes) {
  Head ignored;
  size_t end = bytes.find('\n');
  if (end != std::string_view::npos) return parse_request_line(take_line(bytes), ignored);
  for (size_t i = 0; i < bytes.size() && i <= kMaxMethod; i++) {
    if (bytes[i] == ' ') return i > 0;
    if (!is_token_char(bytes[i])) return false;
  }
  return bytes.size() <= kMaxMethod;
}

bool may_start_response(std::string_view bytes) {
  Head ignored;
  size_t end = bytes.find('\n');
  if (end != std::string_view::npos) return parse_status_line(take_line(bytes), ignored);
  constexpr std::string_view kStart = "HTTP/1.";
  size_t n = std::min(bytes.size(), kStart.size());
  return bytes.substr(0, n) == kStart.substr(0, n);
}

bool starts_request(std::string_view bytes) {
  size_t space = bytes.substr(0, kMaxMethod).find(' ');
  return space != std::string_view::npos && is_known_method(bytes.substr(0, space));
}

bool starts_response(std::string_view bytes) {
  return bytes.size() >= 7 && may_start_response(bytes);
}

bool is_known_method(std::string_view method) {
  for (std::string_view known : kMethods)
    if (method == known) return true;
  return false;
}

}  // namespace clover
