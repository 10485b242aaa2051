// OTLP attributes as text, as the OpenTelemetry Collector prints them.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "wire.h"

namespace clover {

// Deepest nesting of arrays and lists inside one attribute.
constexpr int max_depth = 32;

// Texts that are not in the input; addresses stay until clear().
class Arena {
 public:
  std::string_view keep(std::string &&text) { return texts_.emplace_back(std::move(text)); }
  void clear() { texts_.clear(); }

 private:
  std::deque<std::string> texts_;
};

// One attribute: its key, and its value as text.
struct Attribute {
  std::string_view key;
  std::string_view text;
};

using Attributes = std::vector<Attribute>;

// Reads one `KeyValue`. Strings stay views into the input; every other value is printed into the
// arena: numbers in decimal, arrays and lists as JSON, bytes in base64.
Attribute read_attribute(Reader message, Arena &arena);

// The text as a non-negative integer, or `fallback` where it is not one.
uint64_t to_integer(std::string_view text, uint64_t fallback);

}  // namespace clover
