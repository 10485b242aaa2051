// PostgreSQL's protocol 3: a span for each Query, Execute and function call.
#pragma once

#include "../parser.h"

namespace clover {

Verdict detect_postgresql(std::string_view bytes, Side from, Where where);
std::unique_ptr<Parser> make_postgresql(Conversation& conversation);

}  // namespace clover
