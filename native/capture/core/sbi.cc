#include "sbi.h"

#include <algorithm>

namespace clover::sbi {
namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr size_t kMaxRoute = 255, kLongSegment = 24;
constexpr std::ptrdiff_t kDigitsOfId = 4;

struct Identifier {
  std::string_view prefix, name;
  bool digits;  // a digit always follows: what does not have one is a word
};

constexpr Identifier kIdentifiers[] = {
    {"imsi-", "{supi}", true},  {"nai-", "{supi}", false},   {"suci-", "{supi}", true},
    {"gci-", "{supi}", false},  {"gli-", "{supi}", false},   {"msisdn-", "{gpsi}", true},
    {"extid-", "{gpsi}", false}, {"imei-", "{pei}", true},   {"imeisv-", "{pei}", true},
    {"5g-guti-", "{guti}", true}};

// In paths, the longest first where one begins like another.
constexpr std::string_view kFunctions[] = {
    "5g-eir", "5gddnmf", "adrf",  "af",   "amf",  "ausf", "bsf",    "chf",    "cbcf",   "dccf", "easdf", "gmlc",
    "hss",    "lmf",     "mbsmf", "mfaf", "nef",  "nrf",  "nsacf",  "nssaaf", "nssf",   "nwdaf", "pcf",  "scp",
    "sepp",   "smf",     "smsf",  "soraf", "tsctsf", "ucmf", "udm", "udr",    "udsf",   "upf"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word(char c) { return is_digit(c) || is_letter(c); }

int hex(char c) {
  if (is_digit(c)) return c - '0';
  return is_letter(c) && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

// Whether an octet that is written as %XX begins here (RFC 3986 §2.1).
bool is_escape(std::string_view text, size_t at) {
  return at + 2 < text.size() && text[at] == '%' && hex(text[at + 1]) >= 0 && hex(text[at + 2]) >= 0;
}

// Takes an octet off the front, escaped or not.
char take_octet(std::string_view& text) {
  bool escaped = is_escape(text, 0);
  char octet = escaped ? static_cast<char>(hex(text[1]) << 4 | hex(text[2])) : text[0];
  text.remove_prefix(escaped ? 3 : 1);
  return octet;
}

// Takes this prefix off the front, in any case of letters; false where there is another text.
bool take_prefix(std::string_view& text, std::string_view lower) {
  for (char expected : lower) {
    if (text.empty()) return false;
    char octet = take_octet(text);
    if ((octet >= 'A' && octet <= 'Z' ? octet + 32 : octet) != expected) return false;
  }
  return true;
}

// The identifier that begins here and has a value, or null; `length` is how long its prefix is here.
const Identifier* identifier_at(std::string_view text, size_t& length) {
  for (const Identifier& one : kIdentifiers) {
    std::string_view rest = text;
    if (!take_prefix(rest, one.prefix) || rest.empty()) continue;
    length = text.size() - rest.size();
    bool escaped = rest[0] == '%';
    char next = take_octet(rest);
    if (one.digits ? is_digit(next) : is_word(next) || escaped) return &one;
  }
  return nullptr;
}

// Whether a word may begin here. Behind an escape one may, whatever that is.
bool begins(std::string_view text, size_t at) {
  return at == 0 || !is_word(text[at - 1]) || (at >= 3 && is_escape(text, at - 3));
}

// What is there for one of many things, and not for a kind.
bool is_id(std::string_view segment) {
  auto digits = std::count_if(segment.begin(), segment.end(), is_digit);
  if (digits == static_cast<std::ptrdiff_t>(segment.size())) return !segment.empty();
  return digits >= kDigitsOfId || (digits > 0 && segment.size() >= kLongSegment) ||
         segment.find_first_of("@%:=,;") != kNone;
}

std::string_view take_segment(std::string_view& path) {
  if (!path.empty() && path[0] == '/') path.remove_prefix(1);
  std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

}  // namespace

std::string redacted(std::string_view text) {
  std::string out;
  // Each prefix ends with a dash: most paths have none, escaped or not.
  if (text.find_first_of("-%") == kNone) return out.assign(text), out;
  for (size_t at = 0; at < text.size();) {
    size_t length = 0;
    const Identifier* found = begins(text, at) ? identifier_at(text.substr(at), length) : nullptr;
    if (found == nullptr) {
      out.push_back(text[at++]);
      continue;
    }
    out.append(text.substr(at, length)).append("REDACTED");
    at = std::min(text.find_first_of("/?&=#", at), text.size());
  }
  return out;
}

std::optional<Resource> parse(std::string_view path) {
  std::string_view rest = path;
  std::string_view service = take_segment(rest), version = take_segment(rest);
  if (service.size() < 4 || service[0] != 'n' || version.size() < 2 || version[0] != 'v') return std::nullopt;
  if (!std::all_of(version.begin() + 1, version.end(), is_digit) || version.size() > 3) return std::nullopt;
  if (!std::all_of(service.begin(), service.end(), [](char c) { return is_word(c) || c == '-'; })) return std::nullopt;
  std::string_view name = service.substr(1);
  auto nf = std::find_if(std::begin(kFunctions), std::end(kFunctions), [&](std::string_view one) {
    return name.size() > one.size() + 1 && name.substr(0, one.size()) == one && name[one.size()] == '-';
  });
  if (nf == std::end(kFunctions)) return std::nullopt;
  Resource out;
  out.nf.assign(*nf);
  std::transform(out.nf.begin(), out.nf.end(), out.nf.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  out.service.assign(service);
  out.route.append("/").append(service).append("/").append(version);
  out.operation = out.route.size();
  while (!rest.empty() && out.route.size() < kMaxRoute) {
    std::string_view segment = take_segment(rest);
    size_t length = 0;
    const Identifier* identifier = identifier_at(segment, length);
    out.route.push_back('/');
    out.route.append(identifier != nullptr ? identifier->name : is_id(segment) ? "{id}" : segment);
  }
  return out;
}

}  // namespace clover::sbi
