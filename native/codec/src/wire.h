// A strict, bounds-checked reader of the protobuf wire format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace clover {

// Thrown for input that is not what it claims to be. Never leaves the addon.
struct Malformed {
  size_t offset;
  const char *reason;
};

enum class Wire : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

// One field of a protobuf message: number, wire type and place.
struct Field {
  uint32_t number;
  Wire wire;
  size_t offset;
};

// Reads one message; nested messages get readers of their own over the same base, so that every
// offset counts from the start of the whole input.
class Reader {
 public:
  Reader(const uint8_t *data, size_t size) : base_(data), at_(data), end_(data + size) {}

  bool done() const { return at_ == end_; }
  size_t offset() const { return static_cast<size_t>(at_ - base_); }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }

  Field next() {
    const size_t start = offset();
    const uint64_t tag = varint();
    if (tag > UINT32_MAX) fail(start, "tag out of range");
    const auto number = static_cast<uint32_t>(tag >> 3);
    if (number == 0) fail(start, "field number 0");
    const auto wire = static_cast<uint8_t>(tag & 7);
    if (wire != 0 && wire != 1 && wire != 2 && wire != 5) fail(start, "unsupported wire type");
    return {number, static_cast<Wire>(wire), start};
  }

  uint64_t varint(const Field &field) {
    expect(field, Wire::varint, "wrong wire type, expected a varint");
    return varint();
  }

  uint64_t fixed64(const Field &field) {
    expect(field, Wire::fixed64, "wrong wire type, expected 64 bits");
    return fixed<uint64_t>();
  }

  uint32_t fixed32(const Field &field) {
    expect(field, Wire::fixed32, "wrong wire type, expected 32 bits");
    return fixed<uint32_t>();
  }

  std::string_view bytes(const Field &field) {
    expect(field, Wire::bytes, "wrong wire type, expected bytes");
    const size_t start = offset();
    const uint64_t size = varint();
    if (size > remaining()) fail(start, "truncated bytes");
    const auto *data = reinterpret_cast<const char *>(at_);
    at_ += size;
    return {data, static_cast<size_t>(size)};
  }

  // Text of a proto3 `string`: has to be UTF-8.
  std::string_view text(const Field &field);

  Reader message(const Field &field) {
    const std::string_view body = bytes(field);
    const auto *data = reinterpret_cast<const uint8_t *>(body.data());
    return Reader(base_, data, data + body.size());
  }

  void skip(const Field &field) {
    switch (field.wire) {
      case Wire::varint: varint(); break;
      case Wire::fixed64: fixed<uint64_t>(); break;
      case Wire::bytes: bytes(field); break;
      case Wire::fixed32: fixed<uint32_t>(); break;
    }
  }

  [[noreturn]] static void fail(size_t offset, const char *reason) {
    throw Malformed{offset, reason};
  }

 private:
  Reader(const uint8_t *base, const uint8_t *at, const uint8_t *end)
      : base_(base), at_(at), end_(end) {}

  void expect(const Field &field, Wire wire, const char *reason) const {
    if (field.wire != wire) fail(field.offset, reason);
  }

  uint64_t varint() {
    const size_t start = offset();
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) fail(start, "truncated varint");
      const uint8_t byte = *at_++;
      if (shift == 63 && byte > 1) fail(start, "varint longer than 64 bits");
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail(start, "varint longer than 64 bits");
  }

  template <typename T>
  T fixed() {
    if (remaining() < sizeof(T)) fail(offset(), "truncated fixed-width value");
    T value;
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  const uint8_t *base_;
  const uint8_t *at_;
  const uint8_t *end_;
};

// Whether the text is well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates.
inline bool is_utf8(std::string_view text) {
  const auto *at = reinterpret_cast<const uint8_t *>(text.data());
  const auto *end = at + text.size();
  while (at != end) {
    uint64_t word;
    if (end - at >= 8 && (std::memcpy(&word, at, 8), (word & 0x8080808080808080u) == 0)) {
      at += 8;
      continue;
    }
    const uint8_t lead = *at++;
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (end - at < more) return false;
    const uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (*at < low || *at > high) return false;
    for (int i = 1; i < more; i++)
      if ((at[i] & 0xc0) != 0x80) return false;
    at += more;
  }
  return true;
}

inline std::string_view Reader::text(const Field &field) {
  const std::string_view body = bytes(field);
  if (!is_utf8(body))
    fail(static_cast<size_t>(reinterpret_cast<const uint8_t *>(body.data()) - base_),
         "invalid UTF-8");
  return body;
}

}  // namespace clover
