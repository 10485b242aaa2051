// SIP transactions and dialogs as spans. OpenTelemetry has no conventions for SIP: the names follow HTTP's.
#pragma once

#include "../conversation.h"
#include "sip_message.h"

namespace clover::sip {

// What was seen of a transaction by the time of its span. Times in ns since the request; 0 = never.
struct Outcome {
  u32 requests_again = 0, responses_again = 0;
  u64 post_dial_delay = 0;  // until the first answer that is not 100 (RFC 6076 §4.2)
  u64 time_to_answer = 0;   // until 2xx
};

// All requests of a call are of one trace, wherever they are seen.
TraceContext trace_of(std::string_view call_id);

void describe_request(Request& request, const Message& message, const Conversation& talk);
void describe_response(Request& request, const Outcome& outcome);
void describe_dialog(Request& request, const Message& message, const Conversation& talk);
// An event of a status that came (`sip.ringing`), or of a request (`sip.ack`).
void note_status(Request& request, u64 time_ns, int status);
void note_request(Request& request, u64 time_ns, std::string_view name);

}  // namespace clover::sip
