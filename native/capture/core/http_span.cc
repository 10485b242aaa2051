#include "http_span.h"

#include <algorithm>
#include <charconv>

#include "attributes.h"
#include "protocols/http1_head.h"
#include "sbi.h"

namespace clover::http {
namespace {

constexpr size_t kMaxPath = 2048, kMaxQuery = 2048, kMaxAgent = 512;

struct Url {
  std::string_view scheme, authority, path, query;
};

// A request target in any of its four forms (RFC 9112 §3.2).
Url split_target(std::string_view method, std::string_view target) {
  Url url;
  // Of a tunnel it is the authority alone. Over HTTP/2 it may have a path (RFC 8441).
  if (method == "CONNECT" && !target.empty() && target[0] != '/') {
    url.authority = target.substr(0, target.find_first_of("/?#"));
    return url;
  }
  size_t scheme = target.find("://");
  if (!target.empty() && target[0] != '/' && scheme != std::string_view::npos) {
    std::string_view rest = target.substr(scheme + 3);
    size_t slash = rest.find_first_of("/?#");
    std::string_view authority = rest.substr(0, slash);
    // What stands before an @ is a user and a password.
    url.authority = authority.substr(authority.rfind('@') + 1);
    target = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
  }
  target = target.substr(0, target.find('#'));
  size_t mark = target.find('?');
  url.path = target.substr(0, mark);
  if (mark != std::string_view::npos) url.query = target.substr(mark + 1);
  return url;
}

// Splits `host[:port]`; the port is 0 where none is given.
std::pair<std::string_view, u16> split_host(std::string_view host) {
  size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos)
    return {host, 0};
  u16 port = 0;
  std::string_view digits = host.substr(colon + 1);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) return {host, 0};
  return {host.substr(0, colon), port};
}

// Requests to the 5G core have names of a low cardinality; the method alone says little of them.
void name_operation(Request& request, std::string_view path) {
  auto resource = sbi::parse(path);
  if (!resource) return;
  Attributes out(request.attributes);
  std::string operation = request.name;
  operation.append(" ").append(resource->route, resource->operation);
  request.name.append(" ").append(resource->route);
  out.text(request.server ? "http.route" : "url.template", resource->route);
  out.text("clover.sbi.nf", resource->nf);
  out.text("clover.sbi.service", resource->service);
  out.text("clover.sbi.operation", operation);
}

std::string_view scheme_of(const RequestHead& head, const Conversation& talk) {
  if (!head.scheme.empty()) return head.scheme;
  return talk.key().session != 0 ? "https" : "http";
}

}  // namespace

void describe_request(Request& request, const RequestHead& head, const Conversation& talk) {
  Attributes out(request.attributes);
  Url url = split_target(head.method, head.target);
  bool known = is_known_method(head.method);
  request.name.assign(known ? head.method : "HTTP");
  name_operation(request, url.path);
  if (known || !head.method.empty() || head.complete) {
    out.text("http.request.method", known ? head.method : "_OTHER");
    if (!known) out.text("http.request.method_original", head.method);
  }
  if (!url.path.empty()) out.text("url.path", sbi::redacted(url.path), kMaxPath);
  if (!url.query.empty())
    out.text("url.query", sbi::redacted(redacted_query(url.query, talk.selection())), kMaxQuery);
  if (!head.scheme.empty() || head.complete) out.text("url.scheme", scheme_of(head, talk));
  describe_server(request, head, url.authority.empty() ? head.authority : url.authority);
  if (!head.user_agent.empty()) out.text("user_agent.original", head.user_agent, kMaxAgent);
}

void describe_server(Request& request, const RequestHead& head, std::string_view host) {
  // What stands before an @ is a user and a password.
  auto [name, port] = split_host(host.substr(host.rfind('@') + 1));
  request.host.assign(name.substr(0, kMaxText));
  request.port = port;
  request.host_unknown = !head.complete;
  Attributes(request.attributes).text("network.protocol.version", head.version);
}

void describe_response(Request& request, std::string_view failure) {
  Attributes out(request.attributes);
  if (request.has_body && !request.request_unsized) out.number("http.request.body.size", request.request_bytes);
  if (request.status) {
    out.number("http.response.status_code", static_cast<u64>(request.status));
    if (!request.response_unsized) out.number("http.response.body.size", request.response_bytes);
  }
  if (!failure.empty()) request.error_type = failure;
  else if (request.status >= (request.server ? 500 : 400)) request.error_type = std::to_string(request.status);
}

}  // namespace clover::http
