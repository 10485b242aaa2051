// The part of protobuf's wire format that OTLP traces need, written into a byte string, and read from it again.
#pragma once

#include <algorithm>

#include "common.h"

namespace clover::proto {

inline size_t varint_size(u64 value) {
  size_t n = 1;
  while (value >= 0x80) {
    value >>= 7;
    n++;
  }
  return n;
}

// Makes room for `size` bytes at the end, which the caller fills: one step of growth for all parts of a field.
inline char* grow(std::string& out, size_t size) {
  size_t before = out.size();
  out.resize(before + size);
  return out.data() + before;
}

// Where there is room already: each returns the place behind what it wrote.
inline char* put_varint(char* at, u64 value) {
  while (value >= 0x80) {
    *at++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<char>(value);
  return at;
}

inline char* put_head(char* at, u8 field, size_t size) {
  *at++ = static_cast<char>(field << 3 | 2);
  return put_varint(at, size);
}

inline char* put_bytes(char* at, u8 field, std::string_view value) {
  at = put_head(at, field, value.size());
  return std::copy(value.begin(), value.end(), at);
}

// Size of a length-delimited field that holds so many bytes.
inline size_t field_size(size_t size) { return 1 + varint_size(size) + size; }

inline void varint(std::string& out, u64 value) { put_varint(grow(out, varint_size(value)), value); }

// Length-delimited field; field numbers below 16 only.
inline void bytes(std::string& out, u8 field, std::string_view value) {
  put_bytes(grow(out, field_size(value.size())), field, value);
}

inline void integer(std::string& out, u8 field, u64 value) {
  out.push_back(static_cast<char>(field << 3));
  varint(out, value);
}

inline void fixed64(std::string& out, u8 field, u64 value) {
  out.push_back(static_cast<char>(field << 3 | 1));
  char raw[8];
  std::memcpy(raw, &value, 8);  // both targets are little-endian
  out.append(raw, 8);
}

// common.v1.KeyValue with a string value, as `field` of the message in `out`.
inline void attribute(std::string& out, u8 field, std::string_view key, std::string_view value) {
  size_t any = field_size(value.size());
  size_t pair = field_size(key.size()) + field_size(any);
  char* at = put_head(grow(out, field_size(pair)), field, pair);
  at = put_bytes(at, 1, key);
  at = put_head(at, 2, any);
  put_bytes(at, 1, value);
}

// The same with an integer value.
inline void attribute(std::string& out, u8 field, std::string_view key, u64 value) {
  size_t any = 1 + varint_size(value);
  size_t pair = field_size(key.size()) + field_size(any);
  char* at = put_head(grow(out, field_size(pair)), field, pair);
  at = put_bytes(at, 1, key);
  at = put_head(at, 2, any);
  *at++ = 3 << 3;
  put_varint(at, value);
}

inline u64 read_varint(std::string_view bytes, size_t& at) {
  u64 value = 0;
  for (int shift = 0; at < bytes.size() && shift < 64; shift += 7) {
    u8 byte = static_cast<u8>(bytes[at++]);
    value |= u64{byte & 0x7fu} << shift;
    if (byte < 0x80) break;
  }
  return value;
}

// The next field of what was written here: of bytes, with a tag of one byte.
inline std::string_view read_bytes(std::string_view bytes, size_t& at) {
  at++;
  size_t size = read_varint(bytes, at);
  std::string_view found = bytes.substr(std::min(at, bytes.size()), size);
  at += size;
  return found;
}

// Takes a field of bytes from the front of what another process has written; false where none of this number is there.
inline bool take_bytes(std::string_view& rest, u8 field, std::string_view& out) {
  if (rest.size() < 2 || static_cast<u8>(rest[0]) != (field << 3 | 2)) return false;
  size_t at = 1;
  u64 size = read_varint(rest, at);
  if (static_cast<u8>(rest[at - 1]) >= 0x80 || size > rest.size() - at) return false;
  out = rest.substr(at, static_cast<size_t>(size));
  rest.remove_prefix(at + out.size());
  return true;
}

}  // namespace clover::proto
