// What an agent tells its successor, as bytes: one function of each part writes it and reads it, so that both agree.
#pragma once

#include <algorithm>
#include <type_traits>

#include "common.h"

namespace clover {

// Writes to the end of its bytes, or reads from their front. What is read was written by another process, maybe of
// another version: once something is not there or cannot be, ok() is false and nothing that follows counts.
class State {
 public:
  static State writing() { return State(); }
  static State reading(std::string_view bytes) {
    State state;
    state.rest_ = bytes;
    state.reads_ = true;
    return state;
  }

  bool reads() const { return reads_; }
  bool ok() const { return ok_; }
  // Whether all was read.
  bool at_end() const { return ok_ && rest_.empty(); }
  void refuse() { ok_ = false; }
  // What has to hold of values that were read.
  void require(bool holds) { ok_ = ok_ && holds; }
  const std::string& bytes() const { return written_; }

  template <typename T>
  void number(T& value) {
    static_assert(std::is_integral_v<T> && !std::is_same_v<T, bool>);
    raw(&value, sizeof(value));
  }
  template <typename... T>
  void numbers(T&... values) {
    (number(values), ...);
  }
  void flag(bool& value) {
    u8 byte = value;
    number(byte);
    require(byte <= 1);
    value = byte == 1;
  }
  template <typename... T>
  void flags(T&... values) {
    (flag(values), ...);
  }
  // An enumeration without gaps.
  template <typename T>
  void choice(T& value, T last) {
    auto number = static_cast<u8>(value);
    this->number(number);
    require(number <= static_cast<u8>(last));
    if (ok_) value = static_cast<T>(number);
  }
  // What another one has written.
  void append(std::string_view bytes) { written_.append(bytes); }
  void text(std::string& value) {
    size_t size = count(value.size());
    if (!reads_) written_.append(value);
    else value = std::string(take(size));
  }
  // At most `limit` of something: `one` says each of them, which is new where it is read.
  template <typename List, typename F>
  void list(List& values, size_t limit, F one) {
    size_t size = count(values.size());
    require(size <= limit);
    if (!reads_)
      for (auto& value : values) one(value);
    else
      for (size_t i = 0; i < size && ok_; i++) one(values.emplace_back());
  }
  // How many of something follow, of which each has one byte at least.
  size_t count(size_t size) {
    auto number = static_cast<u32>(size);
    this->number(number);
    require(!reads_ || number <= rest_.size());
    return ok_ ? number : 0;
  }

 private:
  State() = default;

  void raw(void* value, size_t size) {
    if (!reads_) written_.append(static_cast<const char*>(value), size);
    else if (std::string_view bytes = take(size); ok_) std::memcpy(value, bytes.data(), size);
    else std::memset(value, 0, size);
  }
  std::string_view take(size_t size) {
    require(size <= rest_.size());
    if (!ok_) return {};
    std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  bool reads_ = false, ok_ = true;
  std::string written_;
  std::string_view rest_;
};

}  // namespace clover
