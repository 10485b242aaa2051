// Messages of PostgreSQL's protocol 3 (PostgreSQL documentation, "Message Formats").
#pragma once

#include <optional>

#include "../framing.h"

namespace clover::pg {

inline constexpr size_t kOpeningHeader = 8, kHeader = 5;
inline constexpr u32 kSslRequest = 80877103, kGssRequest = 80877104, kCancelRequest = 80877102;

u32 read_u32(std::string_view bytes, size_t at);
// The first message has no type: a length and a code. Nothing where it is none of the protocol's.
std::optional<FrameSize> opening_size(std::string_view header);
// Any other one.
std::optional<FrameSize> message_size(std::string_view header, Side from);
// Whole messages, of which the last one is the end of a request, or of its answer, and of this segment.
bool are_messages(std::string_view bytes, Side from);

// Reads the fields of a message, in turn.
class Fields {
 public:
  explicit Fields(std::string_view body) : rest_(body) {}
  char byte();
  // Up to the next zero. What is cut goes to the end; whole() tells.
  std::string_view text();
  bool whole() const { return whole_; }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool whole_ = true;
};

}  // namespace clover::pg
