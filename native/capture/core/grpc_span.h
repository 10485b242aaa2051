// gRPC calls as spans, by OpenTelemetry's semantic conventions for RPC and gRPC.
#pragma once

#include "http_span.h"

namespace clover::grpc {

// Whether a content type says so; `application/grpc-web` is another protocol.
bool is_grpc(std::string_view content_type);
void describe_request(Request& request, const http::RequestHead& head);
// Names the span by the method: `/package.Service/Method` is its path.
void name_method(Request& request, std::string_view path);
// The number of a grpc-status field; what is none of gRPC's is UNKNOWN.
int parse_status(std::string_view text);
// What a caller makes of a response without one: gRPC's table for HTTP status codes.
int status_of_http(int status);
// And of a stream that was reset with this code (RFC 9113 §7), by this end.
int status_of_reset(u32 code, Side by);
// Once it is over. `status` < 0: not known; `failure`: why there is no whole response. Returns whether the server failed.
bool describe_outcome(Request& request, int status, std::string_view failure);

}  // namespace clover::grpc
