// WebSocket (RFC 6455), as which an HTTP/1.1 connection goes on after its handshake.
#pragma once

#include "../parser.h"

namespace clover {

struct Request;

// A session whose handshake is answered by 101, `answer` being its first byte. It becomes a span of its own below that of the handshake.
std::unique_ptr<Parser> make_websocket(Conversation& conversation, const Request& handshake, const Piece& answer);
// For a session that a predecessor has begun: Parser::hand_over says all of it.
std::unique_ptr<Parser> make_websocket(Conversation& conversation);

}  // namespace clover
