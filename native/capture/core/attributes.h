// Attributes of a span, encoded as they become known.
#pragma once

#include <vector>

#include "common.h"

namespace clover {

inline constexpr size_t kMaxText = 255;

// Appends to the encoded `Span.attributes` of a request. What is no UTF-8 of a text is replaced by question marks.
class Attributes {
 public:
  explicit Attributes(std::string& out) : out_(out) {}
  void text(std::string_view key, std::string_view value, size_t limit = kMaxText);
  void number(std::string_view key, u64 value);
  // True.
  void flag(std::string_view key);
  // An array of texts.
  void texts(std::string_view key, const std::vector<std::string_view>& values);

 private:
  std::string& out_;
};

bool is_ascii(std::string_view text);

}  // namespace clover
