// HTTP/2 (RFC 9113) in plain text, with prior knowledge or after an upgrade, and gRPC on it.
#pragma once

#include "../parser.h"

namespace clover {

struct Request;

Verdict detect_http2(std::string_view bytes, Side from, Where where);
std::unique_ptr<Parser> make_http2(Conversation& conversation);
// After an HTTP/1.1 request that was answered with 101: `first` is stream 1.
std::unique_ptr<Parser> make_upgraded_http2(Conversation& conversation, Request* first);

}  // namespace clover
