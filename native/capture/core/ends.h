// The two ends of a conversation, as spans tell them.
#pragma once

#include "conversation.h"

namespace clover {

// Adds `server.address`, `server.port` and, at the server, `client.address`; nothing while they are not known.
void describe_ends(Request& request, const Conversation& talk);

}  // namespace clover
