// DNS queries as spans: OpenTelemetry's attributes for DNS, and where it has none those of the Elastic
// Common Schema, from which it took them.
#pragma once

#include "../conversation.h"
#include "dns_message.h"

namespace clover::dns {

// What the answers to one query said, added up over the messages of a transfer.
struct Outcome {
  u32 retransmissions = 0;
  u32 messages = 0;
  u64 answers = 0;
  bool truncated = false;
  std::vector<std::string> addresses;
};

void describe_query(Request& request, const Message& query, const Conversation& talk);
// `rcode`: of the last answer.
void describe_answer(Request& request, const Outcome& outcome, u16 rcode);

}  // namespace clover::dns
