// SIP over UDP and TCP (RFC 3261, 3581, 6026): messages here, transactions and dialogs in sip_calls.h.
#pragma once

#include "../parser.h"

namespace clover {

Verdict detect_sip(std::string_view bytes, Side from, Where where);
std::unique_ptr<Parser> make_sip(Conversation& conversation);

}  // namespace clover
