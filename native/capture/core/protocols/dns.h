// DNS over UDP and TCP (RFC 1035, 6891, 7766), zone transfers included (RFC 5936, 1995).
#pragma once

#include "../parser.h"

namespace clover {

Verdict detect_dns(std::string_view bytes, Side from, Where where);
std::unique_ptr<Parser> make_dns(Conversation& conversation);

}  // namespace clover
