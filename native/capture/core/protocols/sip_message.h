// SIP message heads (RFC 3261 §7, §25): pure functions over one contiguous block.
#pragma once

#include "../context.h"

namespace clover::sip {

// What a head says of its transaction and dialog. The views are of `text`.
struct Message {
  Message() = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  std::string text;  // the head with its folded lines made one
  std::string_view method;  // of the request line, or of CSeq in a response
  std::string_view uri;     // requests
  int status = 0;           // responses
  u32 cseq = 0;
  std::string_view call_id, branch, sent_by;  // the last two of the topmost Via
  std::string_view from_uri, from_tag, to_uri, to_tag;
  std::string_view user_agent;
  TraceHeaders trace;
  bool has_length = false;
  u64 length = 0;  // Content-Length

  bool response() const { return status != 0; }
  bool is(std::string_view name) const { return method == name; }
};

// How a head reads. Only what says where a message ends and what it belongs to is looked at closely.
enum class Reading : u8 {
  sound,
  malformed,  // but its end is known
  endless,    // nothing behind it can be told apart
};

// Reads a whole head, its empty line included. `out` is as far as it was read.
Reading read_head(std::string_view block, Message& out);

// Whether the bytes (one or more) can be the beginning of a message.
bool may_start(std::string_view bytes);
// Whether they surely begin one: its first line is whole.
bool starts_request(std::string_view bytes);
bool starts_response(std::string_view bytes);

// One of RFC 3261 and its extensions; others go out as _OTHER.
bool is_known_method(std::string_view method);

// Without parameters, headers and passwords; numbers of telephones and subscribers are not told.
std::string redacted_uri(std::string_view uri);

}  // namespace clover::sip
