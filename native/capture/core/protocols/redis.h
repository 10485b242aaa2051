// Redis (RESP2 and RESP3): a span for each command.
#pragma once

#include "../parser.h"

namespace clover {

Verdict detect_redis(std::string_view bytes, Side from, Where where);
std::unique_ptr<Parser> make_redis(Conversation& conversation);

}  // namespace clover
