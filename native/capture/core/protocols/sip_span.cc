#include "sip_span.h"

#include "../attributes.h"

namespace clover::sip {
namespace {

constexpr size_t kMaxEvents = 4096;  // bytes of one span's

void describe(Request& request, const Message& message, const Conversation& talk) {
  Attributes out(request.attributes);
  out.text("network.protocol.name", "sip");
  out.text("network.protocol.version", "2.0");
  out.text("network.transport", talk.key().datagram ? "udp" : "tcp");
  out.text("sip.call_id", message.call_id);
  out.text("sip.from.uri", redacted_uri(message.from_uri));
  out.text("sip.to.uri", redacted_uri(message.to_uri));
}

void add(Request& request, u64 time_ns, std::string_view name, std::string_view attributes) {
  if (request.events.size() < kMaxEvents) add_event(request.events, time_ns, name, attributes);
}

}  // namespace

TraceContext trace_of(std::string_view call_id) {
  u64 low = 0x736970, high = 0x63616c6c;
  for (char c : call_id) {
    low = mix(low ^ static_cast<u8>(c));
    high = mix(high + low);
  }
  TraceContext context;
  std::memcpy(context.trace_id.data(), &high, 8);
  std::memcpy(context.trace_id.data() + 8, &low, 8);
  context.trace_id[0] |= 1;  // never all zeros
  context.valid = true;
  return context;
}

void describe_request(Request& request, const Message& message, const Conversation& talk) {
  bool known = is_known_method(message.method);
  request.name.assign(known ? message.method : "SIP");
  describe(request, message, talk);
  Attributes out(request.attributes);
  out.text("sip.request.method", known ? message.method : "_OTHER");
  if (!known) out.text("sip.request.method_original", message.method);
  out.text("sip.request.uri", redacted_uri(message.uri));
  out.number("sip.cseq", message.cseq);
  if (!message.user_agent.empty()) out.text("user_agent.original", message.user_agent);
}

void describe_response(Request& request, const Outcome& outcome) {
  Attributes out(request.attributes);
  if (request.status != 0) out.number("sip.response.status_code", static_cast<u64>(request.status));
  if (outcome.requests_again > 0) out.number("clover.sip.request_retransmissions", outcome.requests_again);
  if (outcome.responses_again > 0) out.number("clover.sip.response_retransmissions", outcome.responses_again);
  if (outcome.post_dial_delay > 0) out.number("clover.sip.post_dial_delay", outcome.post_dial_delay);
  if (outcome.time_to_answer > 0) out.number("clover.sip.time_to_answer", outcome.time_to_answer);
  // As HTTP's: whom a client could not reach is an error of its own, and none of the server's.
  bool failed = request.server ? request.status / 100 == 5 : request.status >= 400;
  if (failed) request.error_type = std::to_string(request.status);
}

void describe_dialog(Request& request, const Message& message, const Conversation& talk) {
  request.name.assign("SIP dialog");
  describe(request, message, talk);
}

void note_status(Request& request, u64 time_ns, int status) {
  std::string attributes;
  Attributes(attributes, kEventAttributes).number("sip.response.status_code", static_cast<u64>(status));
  std::string_view name = status == 100  ? "sip.trying"
                          : status == 180 ? "sip.ringing"
                          : status < 200  ? "sip.provisional"
                          : status < 300  ? "sip.answered"
                                          : "sip.rejected";
  add(request, time_ns, name, attributes);
}

void note_request(Request& request, u64 time_ns, std::string_view name) { add(request, time_ns, name, {}); }

}  // namespace clover::sip
