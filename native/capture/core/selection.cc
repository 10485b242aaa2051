#include "selection.h"

#include <arpa/inet.h>

#include <algorithm>

#include "attributes.h"
#include "request.h"
#include "sbi.h"

namespace clover {
namespace {

constexpr size_t kMaxValue = 1024, kMaxFields = 128;  // of one head

// They say who somebody is to be taken for.
constexpr std::string_view kCredentials[] = {
    "authorization",   "cookie",       "proxy-authorization",  "set-cookie",  "x-amz-security-token",
    "x-api-key",       "x-auth-token", "x-csrf-token",         "x-xsrf-token"};
constexpr std::string_view kUrls[] = {"content-location", "location", "referer"};

template <size_t N>
bool is_one_of(const std::string_view (&list)[N], std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Without a user, a password and the values of its query.
std::string redacted_url(std::string_view url) {
  url = url.substr(0, url.find('#'));
  size_t mark = std::min(url.find('?'), url.size());
  std::string_view path = url.substr(0, mark);
  std::string out;
  if (size_t scheme = path.find("//"); scheme != std::string_view::npos) {
    out.append(path.substr(0, scheme + 2));
    path.remove_prefix(scheme + 2);
    std::string_view authority = path.substr(0, path.find('/'));
    // What stands before an @ is a user and a password.
    path.remove_prefix(authority.rfind('@') + 1);
  }
  out.append(path);
  if (mark < url.size()) out.append("?").append(redacted_query(url.substr(mark + 1), {}));
  return out;
}

// Whether `name` is what `pattern` says, in which `*` stands for any characters.
bool matches(std::string_view pattern, std::string_view name) {
  constexpr size_t kNone = std::string_view::npos;
  size_t at = 0, star = kNone, resume = 0;
  for (size_t i = 0; i < name.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      resume = i;
    } else if (at < pattern.size() && pattern[at] == name[i]) {
      at++, i++;
    } else if (star != kNone) {
      // The last star takes one more.
      at = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == kNone;
}

std::string told_value(std::string_view name, std::string_view value, const Selection& selection) {
  if (is_one_of(kCredentials, name) || !selection.tells_header(name)) return std::string(kRedacted);
  value = value.substr(0, kMaxValue);
  return sbi::redacted(is_one_of(kUrls, name) ? redacted_url(value) : std::string(value));
}

}  // namespace

HeaderNames::HeaderNames(std::vector<std::string> names) : names_(std::move(names)) {
  for (const std::string& name : names_) sizes_ |= 1ULL << (name.size() & 63);
}

std::string_view HeaderNames::find(std::string_view name) const {
  if (!(sizes_ >> (name.size() & 63) & 1)) return {};
  for (const std::string& one : names_) {
    bool same = one.size() == name.size() &&
                std::equal(one.begin(), one.end(), name.begin(), [](char a, char b) { return a == lower(b); });
    if (same) return one;
  }
  return {};
}

void keep_field(const HeaderNames& names, std::string_view name, std::string_view value, KeptFields& out) {
  if (out.size() >= kMaxFields) return;
  if (std::string_view listed = names.find(name); !listed.empty()) out.push_back({std::string(listed), std::string(value)});
}

std::optional<Destination> Destination::parse(const std::string& address, u32 prefix_length, u16 port) {
  Destination out;
  out.port = port;
  u8* v4 = out.network.data() + 12;
  if (inet_pton(AF_INET, address.c_str(), v4) == 1) {
    out.network[10] = out.network[11] = 0xff;
    out.prefix_length = 96 + prefix_length;
  } else if (inet_pton(AF_INET6, address.c_str(), out.network.data()) == 1) {
    out.prefix_length = prefix_length;
  } else {
    return std::nullopt;
  }
  return out.prefix_length <= 128 ? std::optional(out) : std::nullopt;
}

bool Destination::has(const Address& address, u16 to_port) const {
  if (to_port != port) return false;
  u32 bytes = prefix_length / 8, bits = prefix_length % 8;
  if (!std::equal(network.begin(), network.begin() + bytes, address.begin())) return false;
  return bits == 0 || ((network[bytes] ^ address[bytes]) >> (8 - bits)) == 0;
}

bool Selection::has_destination(const Address& address, u16 port) const {
  if (!egress) return true;
  return std::any_of(egress->begin(), egress->end(), [&](const Destination& one) { return one.has(address, port); });
}

bool Selection::tells_query(std::string_view name) const {
  return std::find(query_values.begin(), query_values.end(), name) != query_values.end();
}

bool Selection::tells_header(std::string_view name) const {
  return std::none_of(redacted_headers.begin(), redacted_headers.end(),
                      [&](const std::string& pattern) { return matches(pattern, name); });
}

void describe_fields(Request& request, std::string_view prefix, const KeptFields& fields, const Selection& selection) {
  for (auto first = fields.begin(); first != fields.end(); ++first) {
    auto same = [&](const KeptField& other) { return other.name == first->name; };
    if (std::find_if(fields.begin(), first, same) != first) continue;
    std::vector<std::string> values;
    for (auto at = first; at != fields.end(); ++at)
      if (same(*at)) values.push_back(told_value(at->name, at->value, selection));
    Attributes(request.attributes).texts(std::string(prefix) + first->name, {values.begin(), values.end()});
  }
}

std::string redacted_query(std::string_view query, const Selection& selection) {
  std::string out;
  while (!query.empty()) {
    size_t end = query.find('&');
    std::string_view pair = query.substr(0, end);
    size_t equals = pair.find('=');
    std::string_view name = pair.substr(0, equals);
    bool told = pair.empty() || selection.tells_query(name);
    // What stands there without a name is a value.
    if (equals == std::string_view::npos) out.append(told ? pair : kRedacted);
    else out.append(name).append("=").append(told ? pair.substr(equals + 1) : kRedacted);
    if (end == std::string_view::npos) break;
    out.push_back('&');
    query.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace clover
