// HTTP/1.x message heads (RFC 9112): pure functions over one contiguous block.
#pragma once

#include "../context.h"
#include "../selection.h"

namespace clover {

// How a body ends.
enum class Framing : u8 { none, length, chunked, until_close };

// Views into the block that was parsed.
struct Head {
  std::string_view method;   // requests
  std::string_view target;   // requests
  int status = 0;            // responses
  std::string_view version;  // "1.1"
  std::string_view host, user_agent, stamp, upgrade;
  TraceHeaders trace;
  const HeaderNames* wanted = nullptr;  // to be kept
  KeptFields kept;
  bool has_length = false, chunked = false, other_coding = false;
  // Two readers may differ on where the body ends: nothing behind this head can be told apart.
  bool ambiguous = false;
  bool large = false;  // of its end only what frames the body is known
  u64 length = 0;
};

// False where the first line is none of HTTP/1.x. Fields are read as servers do: what RFC 9112
// forbids in them is passed over, and where it touches the framing the head is ambiguous.
bool parse_request_head(std::string_view block, Head& out);
bool parse_response_head(std::string_view block, Head& out);

// Whether a line of a head is a field that says where the body ends.
bool frames_body(std::string_view line);

// Whether the bytes (one or more) can be the beginning of a head.
bool may_start_request(std::string_view bytes);
bool may_start_response(std::string_view bytes);

// Whether the bytes surely begin one: what a stream is taken up with again after a hole.
bool starts_request(std::string_view bytes);
bool starts_response(std::string_view bytes);

// A token (RFC 9110 §5.6.2), as methods are.
bool is_token(std::string_view text);

// One of the methods that OpenTelemetry names; others go out as _OTHER.
bool is_known_method(std::string_view method);

}  // namespace clover
