// HTTP/1.x (RFC 9112): pipelining, interim responses, chunked bodies, upgrades and tunnels.
#pragma once

#include "../parser.h"

namespace clover {

Verdict detect_http1(std::string_view bytes, Side from, Where where);
std::unique_ptr<Parser> make_http1(Conversation& conversation);

}  // namespace clover
