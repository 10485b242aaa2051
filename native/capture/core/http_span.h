// HTTP requests of any version as spans, by OpenTelemetry's semantic conventions for HTTP.
#pragma once

#include "conversation.h"

namespace clover::http {

// What a request's head says; views of the block that was parsed.
struct RequestHead {
  std::string_view method;
  std::string_view target;  // in any of the four forms of RFC 9112 §3.2, or empty
  std::string_view scheme;  // empty: the target's, else `http`
  std::string_view authority;
  std::string_view user_agent;
  std::string_view version;
  bool complete = true;  // what is empty was not sent; else it may only not be known
};

void describe_request(Request& request, const RequestHead& head, const Conversation& talk);
// The part of it that says who was asked.
void describe_server(Request& request, const RequestHead& head, std::string_view host);
// Once the sizes and the status are known. `failure`: why the response never became whole, or empty.
void describe_response(Request& request, std::string_view failure);

}  // namespace clover::http
