// Apache Kafka over TCP (https://kafka.apache.org/protocol).
#pragma once

#include "../parser.h"

namespace clover {

Verdict detect_kafka(std::string_view bytes, Side from, Where where);
std::unique_ptr<Parser> make_kafka(Conversation& conversation);

}  // namespace clover
