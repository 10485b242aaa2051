// Numbers, texts and lists of Kafka's messages, in both of their forms.
#pragma once

#include "../common.h"

namespace clover::kafka {

inline constexpr i64 kMaxEntries = 1 << 20;
inline constexpr size_t kMaxText = 255;  // names of topics have 249 at most

// Reads big-endian numbers and what KIP-482 makes of texts and lists. Once something is not there, nothing is.
class Reader {
 public:
  Reader(std::string_view bytes, bool flexible) : rest_(bytes), flexible_(flexible) {}

  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

  i64 number(size_t bytes) {
    if (!need(bytes)) return 0;
    u64 value = static_cast<u8>(rest_[0]) & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes; i++) value = value << 8 | static_cast<u8>(rest_[i]);
    rest_.remove_prefix(bytes);
    return static_cast<i64>(value);
  }
  void skip(size_t bytes) {
    if (need(bytes)) rest_.remove_prefix(bytes);
  }
  std::string_view text() { return take(flexible_ ? compact() : number(2)).substr(0, kMaxText); }
  // The length of bytes that need not be there as a whole; -1 where they are null.
  i64 bytes_length() { return flexible_ ? compact() : number(4); }
  // The number of a list's entries.
  i64 list() {
    i64 count = flexible_ ? compact() : number(4);
    if (count > kMaxEntries) ok_ = false;
    return ok_ ? count : 0;
  }
  // Tagged fields, which end everything that has a form of its own.
  void tags() {
    if (!flexible_) return;
    for (u64 left = varint(); left > 0 && ok_; left--) {
      varint();
      skip(static_cast<size_t>(varint()));
    }
  }
  std::string uuid();

 private:
  bool need(size_t bytes) {
    ok_ = ok_ && bytes <= rest_.size();
    return ok_;
  }
  u64 varint() {
    u64 value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      if (!need(1)) return 0;
      auto byte = static_cast<u8>(rest_[0]);
      rest_.remove_prefix(1);
      value |= u64{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  i64 compact() { return static_cast<i64>(varint()) - 1; }
  std::string_view take(i64 length) {
    if (length <= 0 || !need(static_cast<size_t>(length))) return {};
    std::string_view text = rest_.substr(0, static_cast<size_t>(length));
    rest_.remove_prefix(text.size());
    return text;
  }

  std::string_view rest_;
  bool flexible_;
  bool ok_ = true;
};

// As Kafka's Uuid.toString(): base64 for URLs, without padding.
inline std::string Reader::uuid() {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  if (!need(16)) return out;
  u32 bits = 0;
  int have = 0;
  for (size_t i = 0; i < 16; i++) {
    bits = bits << 8 | static_cast<u8>(rest_[i]);
    for (have += 8; have >= 6; have -= 6) out.push_back(kDigits[bits >> (have - 6) & 63]);
  }
  out.push_back(kDigits[bits << (6 - have) & 63]);
  rest_.remove_prefix(16);
  return out;
}

}  // namespace clover::kafka
