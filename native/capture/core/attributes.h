// Attributes of a span, encoded as they become known.
#pragma once

#include <vector>

#include "common.h"

namespace clover {

inline constexpr size_t kMaxText = 255;

inline constexpr u8 kSpanAttributes = 9, kSpanEvents = 11, kEventAttributes = 3;  // the field's number

// Appends to the encoded attributes of a span, or of one of its events. What is no UTF-8 of a text is replaced by question marks.
class Attributes {
 public:
  explicit Attributes(std::string& out, u8 field = kSpanAttributes) : out_(out), field_(field) {}
  void text(std::string_view key, std::string_view value, size_t limit = kMaxText);
  void number(std::string_view key, u64 value);
  // True.
  void flag(std::string_view key);
  // An array of texts.
  void texts(std::string_view key, const std::vector<std::string_view>& values);

 private:
  std::string& out_;
  u8 field_;
};

// Appends to the encoded `Span.events` of a request. `attributes` are encoded (kEventAttributes).
void add_event(std::string& out, u64 time_ns, std::string_view name, std::string_view attributes = {});

// Appends those attributes of an encoded span's whose keys are wanted.
void copy_attributes(std::string_view attributes, std::string& out, bool (*wanted)(std::string_view key));

// Whether another process has written attributes with an Attributes for this field, and events with add_event.
bool are_attributes(std::string_view encoded, u8 field);
bool are_events(std::string_view encoded);

bool is_ascii(std::string_view text);
// What is no UTF-8 replaced by question marks.
std::string valid_text(std::string_view text);

}  // namespace clover
