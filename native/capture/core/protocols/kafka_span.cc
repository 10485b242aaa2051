#include "kafka_span.h"

#include "../attributes.h"

namespace clover::kafka {
namespace {

// The conventions name these; other requests go by the protocol's own names.
std::string operation_of(const Header& header) {
  switch (header.key) {
    case kProduce: return "send";
    case kFetch: return "poll";
    case kOffsetCommit: return "commit";
    default:
      return header.api->name.empty() ? "API key " + std::to_string(header.key) : std::string(header.api->name);
  }
}

std::string_view type_of(i16 key) {
  return key == kProduce ? "send" : key == kFetch ? "receive" : key == kOffsetCommit ? "settle" : "";
}

// What a broker says for a client to go on: its name in the group (KIP-394), and that it has to join again.
bool is_step(i16 key, i16 code) {
  constexpr i16 kRebalanceInProgress = 27, kMemberIdRequired = 79;
  return (key == kJoinGroup && code == kMemberIdRequired) || (key == kHeartbeat && code == kRebalanceInProgress);
}

}  // namespace

void describe_request(Request& request, const Header& header) {
  Attributes out(request.attributes);
  // The name until semantic conventions 1.45, which many receivers look for, and the one since.
  out.text("messaging.system", "kafka");
  out.text("messaging.system.name", "kafka");
  out.text("messaging.operation.name", operation_of(header));
  if (std::string_view type = type_of(header.key); !type.empty()) out.text("messaging.operation.type", type);
  if (!header.client.empty()) out.text("messaging.client.id", header.client);
  out.number("clover.kafka.api_version", static_cast<u64>(header.version));
}

void describe_outcome(Request& request, const Header& header, const Subject& subject, const Outcome& outcome,
                      std::string_view failure) {
  Attributes out(request.attributes);
  request.name.assign(operation_of(header));
  if (!subject.topic.empty()) {
    request.name.append(" ").append(subject.topic, 0, kMaxText);
    out.text("messaging.destination.name", subject.topic);
    if (subject.partition >= 0) out.text("messaging.destination.partition.id", std::to_string(subject.partition));
  }
  if (!subject.group.empty()) out.text("messaging.consumer.group.name", subject.group);
  if (subject.offset >= 0) out.number("kafka.offset", static_cast<u64>(subject.offset));
  if (subject.records >= 0) out.number("messaging.batch.message_count", static_cast<u64>(subject.records));
  if (outcome.throttled_ms > 0) out.number("clover.kafka.throttle_time_ms", outcome.throttled_ms);
  if (outcome.known) {
    request.status = outcome.code;
    // No convention has the code but as a name where it is an error. An int64 on the wire, -1 among them.
    out.number("clover.kafka.error_code", static_cast<u64>(i64{outcome.code}));
  }
  if (!failure.empty()) request.error_type = failure;
  else if (outcome.code != 0 && !is_step(header.key, outcome.code)) request.error_type = error_name(outcome.code);
}

}  // namespace clover::kafka
