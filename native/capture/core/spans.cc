#include "spans.h"

#include <algorithm>
#include <charconv>

#include "head.h"
#include "protobuf.h"

namespace clover {
namespace {

constexpr std::string_view kScope = "clover.agent";
constexpr u8 kAttributes = 9;  // Span.attributes
constexpr u8 kServer = 2, kClient = 3;
constexpr u32 kHasIsRemote = 0x100, kIsRemote = 0x200;
constexpr size_t kMaxPath = 2048, kMaxQuery = 2048, kMaxAgent = 512, kMaxState = 512, kMaxHost = 255;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<u8>(c) < 0x80; });
}

// Length of the valid UTF-8 sequence at `at`, or 0.
size_t utf8_length(std::string_view text, size_t at) {
  u8 lead = static_cast<u8>(text[at]);
  size_t n = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3
             : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (n == 0 || at + n > text.size()) return 0;
  for (size_t i = 1; i < n; i++)
    if ((static_cast<u8>(text[at + i]) & 0xc0) != 0x80) return 0;
  u8 second = n > 2 ? static_cast<u8>(text[at + 1]) : 0;
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return n;
}

// Values never leave the node: only the names of a query's parameters do.
void redact(std::string_view query, std::string& out) {
  out.clear();
  while (!query.empty()) {
    size_t end = query.find('&');
    std::string_view pair = query.substr(0, end);
    size_t equals = pair.find('=');
    out.append(pair.substr(0, equals));
    if (equals != std::string_view::npos) out.append("=REDACTED");
    if (end == std::string_view::npos) break;
    out.push_back('&');
    query.remove_prefix(end + 1);
  }
}

u64 nonzero(u64 value) { return value ? value : 1; }

std::string_view raw(const u64& value) { return {reinterpret_cast<const char*>(&value), 8}; }

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

}  // namespace

std::string SpanWriter::encode_resource(const Identity& identity) {
  std::string attributes, out;
  const std::pair<std::string_view, const std::string*> pairs[] = {
      {"service.name", &identity.service},       {"service.version", &identity.version},
      {"k8s.namespace.name", &identity.name_space}, {"k8s.pod.name", &identity.name},
      {"k8s.pod.uid", &identity.uid},            {"k8s.node.name", &identity.node}};
  for (const auto& [key, value] : pairs)
    if (!value->empty()) proto::attribute(attributes, 1, key, *value);
  proto::bytes(out, 1, attributes);
  return out;
}

void SpanWriter::text(std::string_view key, std::string_view value, size_t limit) {
  value = value.substr(0, limit);
  if (is_ascii(value)) {
    proto::attribute(span_, kAttributes, key, value);
    return;
  }
  clean_.clear();
  for (size_t at = 0; at < value.size();) {
    size_t n = utf8_length(value, at);
    if (n > 0) clean_.append(value.substr(at, n));
    else clean_.push_back('?');
    at += std::max<size_t>(n, 1);
  }
  proto::attribute(span_, kAttributes, key, clean_);
}

void SpanWriter::encode_url(const Request& request) {
  text("url.path", request.path, kMaxPath);
  if (!request.query.empty()) {
    std::string redacted;
    redact(request.query, redacted);
    text("url.query", redacted, kMaxQuery);
  }
  text("url.scheme", "http", kMaxPath);
}

void SpanWriter::encode_peers(const Request& request, const SpanPlace& place) {
  auto [name, port] = split_host(request.host);
  std::string_view server = request.server ? place.local_address : place.peer_address;
  u16 server_port = request.server ? place.local_port : place.peer_port;
  text("server.address", name.empty() ? server : name, kMaxHost);
  proto::attribute(span_, kAttributes, "server.port", u64{port ? port : server_port});
  if (request.server) text("client.address", place.peer_address, kMaxHost);
  text("network.peer.address", place.peer_address, kMaxHost);
  proto::attribute(span_, kAttributes, "network.peer.port", u64{place.peer_port});
}

void SpanWriter::encode(const Request& request, const SpanPlace& place) {
  span_.clear();
  u64 own = nonzero(mix(mix(boot_ ^ mix(place.connection)) + request.ordinal));
  if (request.context.valid) {
    const auto& id = request.context.trace_id;
    proto::bytes(span_, 1, {reinterpret_cast<const char*>(id.data()), id.size()});
  } else {
    u64 high = nonzero(mix(own ^ 0x7472616365ULL));
    std::string id(raw(high));
    id.append(raw(own));
    proto::bytes(span_, 1, id);
  }
  proto::bytes(span_, 2, raw(own));
  if (!request.tracestate.empty() && request.context.valid && is_ascii(request.tracestate))
    proto::bytes(span_, 3, std::string_view(request.tracestate).substr(0, kMaxState));
  if (request.context.valid) {
    const auto& id = request.context.parent_id;
    proto::bytes(span_, 4, {reinterpret_cast<const char*>(id.data()), id.size()});
  }
  bool known = is_known_method(request.method);
  proto::bytes(span_, 5, known ? std::string_view(request.method) : "HTTP");
  proto::integer(span_, 6, request.server ? kServer : kClient);
  proto::fixed64(span_, 7, request.start_ns);
  proto::fixed64(span_, 8, std::max(request.end_ns, request.start_ns));

  text("http.request.method", known ? std::string_view(request.method) : "_OTHER", kMaxHost);
  if (!known) text("http.request.method_original", request.method, kMaxHost);
  encode_url(request);
  encode_peers(request, place);
  text("network.protocol.version", request.version, kMaxHost);
  if (!request.agent.empty()) text("user_agent.original", request.agent, kMaxAgent);
  if (request.has_body)
    proto::attribute(span_, kAttributes, "http.request.body.size", request.request_bytes);
  if (request.status) {
    proto::attribute(span_, kAttributes, "http.response.status_code", u64(request.status));
    proto::attribute(span_, kAttributes, "http.response.body.size", request.response_bytes);
  }
  bool error = place.closed || request.status >= (request.server ? 500 : 400);
  if (place.closed) text("error.type", "connection_closed", kMaxHost);
  else if (error) text("error.type", std::to_string(request.status), kMaxHost);
  if (request.first_byte_ns > request.start_ns)
    proto::attribute(span_, kAttributes, "clover.time_to_first_byte",
                     request.first_byte_ns - request.start_ns);
  if (request.stamp.known()) {
    text("clover.run", request.stamp.run, kMaxHost);
    proto::attribute(span_, kAttributes, "clover.epoch", u64{request.stamp.epoch});
    text("clover.arm", request.stamp.arm, kMaxHost);
  }
  if (error) proto::bytes(span_, 15, std::string_view("\x18\x02", 2));  // Status{code: ERROR}
  if (request.context.valid) {
    u32 flags = request.context.flags | kHasIsRemote | kIsRemote;
    span_.append("\x85\x01", 2);  // field 16, fixed32
    span_.append(reinterpret_cast<const char*>(&flags), 4);
  }
}

bool SpanWriter::append(Pod& pod, const Request& request, const SpanPlace& place) {
  encode(request, place);
  if (pod.spans.empty()) {
    pods_.push_back(&pod);
    size_ += pod.resource.size() + 64;
  }
  size_t before = pod.spans.size();
  proto::bytes(pod.spans, 2, span_);
  size_ += pod.spans.size() - before;
  if (count_++ == 0 || request.start_ns < oldest_) oldest_ = request.start_ns;
  // Closing a little early keeps every batch under the limit.
  return size_ + 8192 >= limit_;
}

Batch SpanWriter::close() {
  Batch batch;
  batch.spans = count_;
  batch.sequence = ++sequence_;
  batch.otlp.reserve(size_ + 64 * pods_.size());
  std::string scope;
  proto::bytes(scope, 1, kScope);
  for (Pod* pod : pods_) {
    std::string head;
    proto::bytes(head, 1, scope);
    size_t scope_spans = head.size() + pod->spans.size();
    size_t all = pod->resource.size() + 1 + proto::varint_size(scope_spans) + scope_spans;
    batch.otlp.push_back(1 << 3 | 2);
    proto::varint(batch.otlp, all);
    batch.otlp.append(pod->resource);
    batch.otlp.push_back(2 << 3 | 2);
    proto::varint(batch.otlp, scope_spans);
    batch.otlp.append(head).append(pod->spans);
    pod->spans.clear();
  }
  pods_.clear();
  size_ = 0;
  count_ = 0;
  oldest_ = 0;
  return batch;
}

}  // namespace clover
