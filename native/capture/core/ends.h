// The two ends of a conversation, as spans tell them.
#pragma once

#include "conversation.h"

namespace clover {

// Adds `server.address`, `server.port` and, at the server, `client.address`, as far as they are known. When the request is over: the ends
// of a session of TLS are told by what it sends.
void describe_ends(Request& request, const Conversation& talk);

}  // namespace clover
