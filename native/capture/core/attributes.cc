#include "attributes.h"

#include <algorithm>

#include "protobuf.h"

namespace clover {
namespace {

// Length of the valid UTF-8 sequence at `at`, or 0.
size_t utf8_length(std::string_view text, size_t at) {
  u8 lead = static_cast<u8>(text[at]);
  size_t n = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3
             : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (n == 0 || at + n > text.size()) return 0;
  for (size_t i = 1; i < n; i++)
    if ((static_cast<u8>(text[at + i]) & 0xc0) != 0x80) return 0;
  u8 second = n > 2 ? static_cast<u8>(text[at + 1]) : 0;
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return n;
}

}  // namespace

bool is_ascii(std::string_view text) {
  const u8* at = reinterpret_cast<const u8*>(text.data());
  u64 bits = 0;
  size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) bits |= load64(at);
  for (; left > 0; left--) bits |= *at++;
  return (bits & 0x8080808080808080ULL) == 0;
}

std::string valid_text(std::string_view value) {
  std::string clean;
  for (size_t at = 0; at < value.size();) {
    size_t n = utf8_length(value, at);
    if (n > 0) clean.append(value.substr(at, n));
    else clean.push_back('?');
    at += std::max<size_t>(n, 1);
  }
  return clean;
}

namespace {

// common.v1.KeyValue with an encoded AnyValue.
void any_attribute(std::string& out, u8 field, std::string_view key, std::string_view any) {
  std::string pair;
  proto::bytes(pair, 1, key);
  proto::bytes(pair, 2, any);
  proto::bytes(out, field, pair);
}

}  // namespace

namespace {

bool is_text(std::string_view text) { return is_ascii(text) || valid_text(text) == text; }

// common.v1.AnyValue, as it is written here.
bool is_value(std::string_view any) {
  std::string_view text, list, element;
  bool number = any.size() > 1 && (any[0] == 2 << 3 || any[0] == 3 << 3);
  if (number) {
    size_t at = 1;
    proto::read_varint(any, at);
    return at == any.size() && static_cast<u8>(any.back()) < 0x80;
  }
  if (proto::take_bytes(any, 1, text)) return any.empty() && is_text(text);
  if (!proto::take_bytes(any, 5, list) || !any.empty()) return false;
  while (!list.empty()) {
    bool taken = proto::take_bytes(list, 1, element) && proto::take_bytes(element, 1, text);
    if (!taken || !element.empty() || !is_text(text)) return false;
  }
  return true;
}

}  // namespace

bool are_attributes(std::string_view rest, u8 field) {
  std::string_view pair, key, any;
  while (!rest.empty()) {
    bool taken = proto::take_bytes(rest, field, pair) && proto::take_bytes(pair, 1, key) && proto::take_bytes(pair, 2, any);
    if (!taken || !pair.empty() || !is_text(key) || !is_value(any)) return false;
  }
  return true;
}

bool are_events(std::string_view rest) {
  constexpr size_t kTime = 1 + 8;
  std::string_view event, name;
  while (!rest.empty()) {
    if (!proto::take_bytes(rest, kSpanEvents, event) || event.size() < kTime || event[0] != (1 << 3 | 1)) return false;
    event.remove_prefix(kTime);
    if (!proto::take_bytes(event, 2, name) || !is_text(name) || !are_attributes(event, kEventAttributes)) return false;
  }
  return true;
}

void Attributes::text(std::string_view key, std::string_view value, size_t limit) {
  value = value.substr(0, limit);
  if (is_ascii(value)) proto::attribute(out_, field_, key, value);
  else proto::attribute(out_, field_, key, valid_text(value));
}

void Attributes::flag(std::string_view key) {
  std::string any;
  proto::integer(any, 2, 1);
  any_attribute(out_, field_, key, any);
}

void Attributes::texts(std::string_view key, const std::vector<std::string_view>& values) {
  std::string list;
  for (std::string_view value : values) {
    std::string any;
    proto::bytes(any, 1, is_ascii(value) ? std::string(value) : valid_text(value));
    proto::bytes(list, 1, any);
  }
  std::string any;
  proto::bytes(any, 5, list);
  any_attribute(out_, field_, key, any);
}

void Attributes::number(std::string_view key, u64 value) {
  proto::attribute(out_, field_, key, value);
}

void copy_attributes(std::string_view attributes, std::string& out, bool (*wanted)(std::string_view key)) {
  for (size_t at = 0; at < attributes.size();) {
    size_t before = at, within = 0;
    std::string_view pair = proto::read_bytes(attributes, at);
    if (wanted(proto::read_bytes(pair, within))) out.append(attributes.substr(before, at - before));
  }
}

void add_event(std::string& out, u64 time_ns, std::string_view name, std::string_view attributes) {
  std::string event;
  proto::fixed64(event, 1, time_ns);
  proto::bytes(event, 2, name);
  event.append(attributes);
  proto::bytes(out, kSpanEvents, event);
}

}  // namespace clover
