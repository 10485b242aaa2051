#include "grpc_span.h"

#include <charconv>

#include "attributes.h"

namespace clover::grpc {
namespace {

constexpr size_t kMaxMethod = 255;

enum Status : int {
  ok, cancelled, unknown, invalid_argument, deadline_exceeded, not_found, already_exists, permission_denied,
  resource_exhausted, failed_precondition, aborted, out_of_range, unimplemented, internal, unavailable,
  data_loss, unauthenticated,
};

constexpr std::string_view kNames[] = {
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
    "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"};

// Codes that are the server's fault; for a caller all but OK are errors.
bool blames_server(int status) {
  switch (status) {
    case unknown: case deadline_exceeded: case unimplemented: case internal: case unavailable: case data_loss:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool is_grpc(std::string_view type) {
  constexpr std::string_view kType = "application/grpc";
  if (type.substr(0, kType.size()) != kType) return false;
  return type.size() == kType.size() || type[kType.size()] == '+' || type[kType.size()] == ';';
}

void name_method(Request& request, std::string_view path) {
  path = path.substr(0, path.find('?'));
  if (!path.empty() && path[0] == '/') path.remove_prefix(1);
  request.name.assign(path.substr(0, kMaxMethod));
}

void describe_request(Request& request, const http::RequestHead& head) {
  name_method(request, head.target);
  http::describe_server(request, head, head.authority);
}

int parse_status(std::string_view text) {
  int status = unknown;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  bool sound = error == std::errc() && end == text.data() + text.size();
  return sound && status >= 0 && status <= unauthenticated ? status : unknown;
}

int status_of_http(int status) {
  switch (status) {
    case 400: return internal;
    case 401: return unauthenticated;
    case 403: return permission_denied;
    case 404: return unimplemented;
    case 429: case 502: case 503: case 504: return unavailable;
    default: return unknown;
  }
}

int status_of_reset(u32 code, Side by) {
  switch (code) {
    case 0x5: return unknown;                // STREAM_CLOSED has no meaning for a call
    case 0x7: return unavailable;            // REFUSED_STREAM
    case 0x8: return cancelled;              // CANCEL
    case 0xb: return resource_exhausted;     // ENHANCE_YOUR_CALM
    case 0xc: return permission_denied;      // INADEQUATE_SECURITY
    // A caller that has what it wanted says so with NO_ERROR.
    default: return by == Side::client ? cancelled : internal;
  }
}

bool describe_outcome(Request& request, int status, std::string_view failure) {
  Attributes out(request.attributes);
  out.text("rpc.system.name", "grpc");
  // A server answers so for methods that it does not have: their names are anybody's.
  if (request.server && status == unimplemented) {
    out.text("rpc.method", "_OTHER");
    out.text("rpc.method_original", request.name);
    request.name = "_OTHER";
  } else if (!request.name.empty()) {
    out.text("rpc.method", request.name);
  }
  if (request.name.empty()) request.name = "grpc";
  if (status >= 0) {
    out.text("rpc.status_code", kNames[status]);
    bool error = request.server ? blames_server(status) : status != ok;
    if (error) request.error_type = kNames[status];
    return blames_server(status);
  }
  request.error_type = failure;
  return !failure.empty();
}

}  // namespace clover::grpc
