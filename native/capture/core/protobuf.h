// The part of protobuf's wire format that OTLP traces need, written into a byte string.
#pragma once

#include "common.h"

namespace clover::proto {

inline void varint(std::string& out, u64 value) {
  char bytes[10];
  size_t n = 0;
  while (value >= 0x80) {
    bytes[n++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes[n++] = static_cast<char>(value);
  out.append(bytes, n);
}

inline size_t varint_size(u64 value) {
  size_t n = 1;
  while (value >= 0x80) {
    value >>= 7;
    n++;
  }
  return n;
}

// Length-delimited field; field numbers below 16 only.
inline void bytes(std::string& out, u8 field, std::string_view value) {
  out.push_back(static_cast<char>(field << 3 | 2));
  varint(out, value.size());
  out.append(value);
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
  size_t any = 1 + varint_size(value.size()) + value.size();
  size_t all = 1 + varint_size(key.size()) + key.size() + 1 + varint_size(any) + any;
  out.push_back(static_cast<char>(field << 3 | 2));
  varint(out, all);
  bytes(out, 1, key);
  out.push_back(2 << 3 | 2);
  varint(out, any);
  bytes(out, 1, value);
}

// The same with an integer value.
inline void attribute(std::string& out, u8 field, std::string_view key, u64 value) {
  size_t any = 1 + varint_size(value);
  size_t all = 1 + varint_size(key.size()) + key.size() + 1 + varint_size(any) + any;
  out.push_back(static_cast<char>(field << 3 | 2));
  varint(out, all);
  bytes(out, 1, key);
  out.push_back(2 << 3 | 2);
  varint(out, any);
  integer(out, 3, value);
}

}  // namespace clover::proto
