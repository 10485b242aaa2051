// HTTP requests of any version as spans, by OpenTelemetry's semantic conventions for HTTP.
#pragma once

#include "conversation.h"

namespace clover::http {

// What a request's head says; views of the block that was parsed.
struct RequestHead {
  std::string_view method;
  std::string_view target;  // in any of the four forms of RFC 9112 §3.2
  std::string_view scheme;  // empty: the target's, else `http`
  std::string_view authority;
  std::string_view user_agent;
  std::string_view version;
};

void describe_request(Request& request, const RequestHead& head, const Conversation& talk);
// Once the sizes and the status are known. `broken`: the response never became whole.
void describe_response(Request& request, bool broken);

}  // namespace clover::http
