// Kafka's requests as spans, by OpenTelemetry's semantic conventions for messaging and for Kafka.
#pragma once

#include "../conversation.h"
#include "kafka_message.h"

namespace clover::kafka {

// What the request's header says.
void describe_request(Request& request, const Header& header);
// What it was about and how it went, once all is known that will be. `failure`: why there is no response, or empty.
void describe_outcome(Request& request, const Header& header, const Subject& subject, const Outcome& outcome,
                      std::string_view failure);

}  // namespace clover::kafka
