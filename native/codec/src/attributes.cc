#include "attributes.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace clover {
namespace {

enum class Type : uint8_t { none, string, boolean, integer, real, array, list, bytes };

// One `AnyValue`, not printed yet. Later members of its oneof replace earlier ones.
struct Value {
  Type type = Type::none;
  std::string_view text;
  uint64_t bits = 0;
  Reader body{nullptr, 0};
};

Value read_value(Reader message) {
  Value value;
  while (!message.done()) {
    const Field field = message.next();
    switch (field.number) {
      case 1: value.type = Type::string, value.text = message.text(field); break;
      case 2: value.type = Type::boolean, value.bits = message.varint(field); break;
      case 3: value.type = Type::integer, value.bits = message.varint(field); break;
      case 4: value.type = Type::real, value.bits = message.fixed64(field); break;
      case 5: value.type = Type::array, value.body = message.message(field); break;
      case 6: value.type = Type::list, value.body = message.message(field); break;
      case 7: value.type = Type::bytes, value.text = message.bytes(field); break;
      default: message.skip(field);
    }
  }
  return value;
}

void print_integer(std::string &out, uint64_t bits) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<int64_t>(bits)).ptr;
  out.append(digits, end);
}

void print_real(std::string &out, uint64_t bits, bool json) {
  double number;
  std::memcpy(&number, &bits, sizeof number);
  if (!std::isfinite(number)) {
    const char *name = std::isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
    if (json) out += '"';
    out += name;
    if (json) out += '"';
    return;
  }
  char shortest[32];
  char *end = std::to_chars(shortest, shortest + sizeof shortest - 1, number,
                            std::chars_format::scientific).ptr;
  *end = '\0';
  // `[-]d[.ddd]e±xx`, laid out as Go's encoding/json and ECMAScript do.
  const std::string_view text(shortest, end - shortest);
  const size_t e = text.find('e');
  const int exponent = std::atoi(shortest + e + 1);
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c == '-') out += c;
    else if (c != '.') digits += c;
  }
  if (exponent < -6 || exponent >= 21) {
    out += digits[0];
    if (digits.size() > 1) out.append(1, '.').append(digits, 1);
    out.append(exponent < 0 ? "e" : "e+").append(std::to_string(exponent));
  } else if (exponent < 0) {
    out.append("0.").append(-exponent - 1, '0').append(digits);
  } else {
    const size_t whole = exponent + 1;
    if (digits.size() < whole) digits.append(whole - digits.size(), '0');
    out.append(digits, 0, whole);
    if (digits.size() > whole) out.append(1, '.').append(digits, whole);
  }
}

void print_base64(std::string &out, std::string_view bytes) {
  static constexpr char alphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = [&](size_t i) {
    return i < bytes.size() ? static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) : 0u;
  };
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const uint32_t group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out += alphabet[group >> 18];
    out += alphabet[group >> 12 & 63];
    out += i + 1 < bytes.size() ? alphabet[group >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? alphabet[group & 63] : '=';
  }
}

void print_json_string(std::string &out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

void print_json(std::string &out, const Value &value, int depth);

void print_json_array(std::string &out, Reader body, int depth) {
  if (depth > max_depth) Reader::fail(body.offset(), "attribute nested too deep");
  out += '[';
  bool first = true;
  while (!body.done()) {
    const Field field = body.next();
    if (field.number != 1) {
      body.skip(field);
      continue;
    }
    if (!first) out += ',';
    first = false;
    print_json(out, read_value(body.message(field)), depth);
  }
  out += ']';
}

void print_json_list(std::string &out, Reader body, int depth) {
  if (depth > max_depth) Reader::fail(body.offset(), "attribute nested too deep");
  out += '{';
  bool first = true;
  while (!body.done()) {
    const Field field = body.next();
    if (field.number != 1) {
      body.skip(field);
      continue;
    }
    Reader pair = body.message(field);
    std::string_view key;
    Value value;
    while (!pair.done()) {
      const Field part = pair.next();
      if (part.number == 1) key = pair.text(part);
      else if (part.number == 2) value = read_value(pair.message(part));
      else pair.skip(part);
    }
    if (!first) out += ',';
    first = false;
    print_json_string(out, key);
    out += ':';
    print_json(out, value, depth);
  }
  out += '}';
}

void print_json(std::string &out, const Value &value, int depth) {
  switch (value.type) {
    case Type::none: out += "null"; break;
    case Type::string: print_json_string(out, value.text); break;
    case Type::boolean: out += value.bits ? "true" : "false"; break;
    case Type::integer: print_integer(out, value.bits); break;
    case Type::real: print_real(out, value.bits, true); break;
    case Type::array: print_json_array(out, value.body, depth + 1); break;
    case Type::list: print_json_list(out, value.body, depth + 1); break;
    case Type::bytes:
      out += '"';
      print_base64(out, value.text);
      out += '"';
      break;
  }
}

std::string_view print(const Value &value, Arena &arena) {
  if (value.type == Type::none) return {};
  if (value.type == Type::string) return value.text;
  std::string out;
  switch (value.type) {
    case Type::real: print_real(out, value.bits, false); break;
    case Type::bytes: print_base64(out, value.text); break;
    default: print_json(out, value, 0);
  }
  return arena.keep(std::move(out));
}

}  // namespace

Attribute read_attribute(Reader message, Arena &arena) {
  Attribute attribute;
  while (!message.done()) {
    const Field field = message.next();
    if (field.number == 1) attribute.key = message.text(field);
    else if (field.number == 2) attribute.text = print(read_value(message.message(field)), arena);
    else message.skip(field);
  }
  return attribute;
}

uint64_t to_integer(std::string_view text, uint64_t fallback) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? value : fallback;
}

}  // namespace clover
