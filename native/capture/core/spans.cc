#include "spans.h"

#include <algorithm>

#include "attributes.h"
#include "hop.h"
#include "protobuf.h"

namespace clover {
namespace {

constexpr u8 kServer = 2, kClient = 3;
constexpr u8 kInfo = 9, kError = 17;  // SeverityNumber
constexpr u32 kHasIsRemote = 0x100, kIsRemote = 0x200;
constexpr size_t kMaxState = 512;

u64 nonzero(u64 value) { return value ? value : 1; }

std::string_view raw(const u64& value) { return {reinterpret_cast<const char*>(&value), 8}; }

u64 unshared_id_of(const Request& request, u64 boot, u64 connection) {
  return nonzero(mix(mix(boot ^ mix(connection)) + request.ordinal));
}

u64 span_id_of(const Request& request, u64 boot, u64 connection) {
  u64 shared = request.server ? 0 : hop_of(request).id;
  return shared != 0 ? shared : unshared_id_of(request, boot, connection);
}

// As `Span.links`.
void add_link(std::string& out, const std::array<u8, 16>& trace_id, u64 span_id) {
  std::string link;
  proto::bytes(link, 1, {reinterpret_cast<const char*>(trace_id.data()), trace_id.size()});
  proto::bytes(link, 2, raw(span_id));
  proto::bytes(out, 13, link);
}

}  // namespace

std::array<u8, 16> trace_id_of(const Request& request, u64 boot, u64 connection) {
  if (request.context.valid) return request.context.trace_id;
  Hop hop = hop_of(request);
  // Not the id itself, which is the CLIENT span's.
  u64 low = hop.id != 0 ? nonzero(mix(~hop.id)) : unshared_id_of(request, boot, connection);
  u64 high = nonzero(mix(low ^ 0x7472616365ULL));
  std::array<u8, 16> id;
  std::memcpy(id.data(), &high, 8);
  std::memcpy(id.data() + 8, &low, 8);
  return id;
}

TraceContext context_below(const Request& request, u64 boot, u64 connection) {
  TraceContext context = request.context;
  context.decided = context.valid && context.decided;
  context.valid = true;
  context.remote = false;
  context.trace_id = trace_id_of(request, boot, connection);
  u64 id = span_id_of(request, boot, connection);
  std::memcpy(context.parent_id.data(), &id, 8);
  return context;
}

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

// What spans and records have in common.
void SpanWriter::describe(const Request& request, const SpanPlace& place) {
  attributes_.assign(request.attributes);
  Attributes out(attributes_);
  if (place.tls) out.flag("tls.established");
  if (place.peer_address.empty()) {
    out.flag("clover.peer_unknown");
  } else {
    out.text("network.peer.address", place.peer_address);
    out.number("network.peer.port", place.peer_port);
  }
  if (detailed_) {
    out.text("network.local.address", place.local_address);
    out.number("network.local.port", place.local_port);
    if (request.stream_id != 0) out.number("clover.stream_id", request.stream_id);
  }
  if (Hop hop = hop_of(request); hop.id != 0) out.text("clover.hop", hop.by);
  if (request.incomplete) out.flag("clover.incomplete");
  if (!request.error_type.empty()) out.text("error.type", request.error_type);
  if (request.first_byte_ns > request.start_ns)
    out.number("clover.time_to_first_byte", request.first_byte_ns - request.start_ns);
  if (request.stamp.known()) {
    out.text("clover.run", request.stamp.run);
    out.number("clover.epoch", request.stamp.epoch);
    out.text("clover.arm", request.stamp.arm);
  }
}

std::string_view SpanWriter::span(const Request& request, const SpanPlace& place) {
  out_.clear();
  Hop hop = hop_of(request);
  u64 own = span_id_of(request, boot_, place.connection);
  auto trace_id = trace_id_of(request, boot_, place.connection);
  proto::bytes(out_, 1, {reinterpret_cast<const char*>(trace_id.data()), trace_id.size()});
  proto::bytes(out_, 2, raw(own));
  if (!request.tracestate.empty() && request.context.valid && is_ascii(request.tracestate))
    proto::bytes(out_, 3, std::string_view(request.tracestate).substr(0, kMaxState));
  // The CLIENT span is the parent where it is known to be one; another node's may not exist, and is linked.
  bool called = request.caller && request.caller->keeps(request.context, trace_id);
  if (called) {
    proto::bytes(out_, 4, raw(hop.id));
  } else if (request.context.has_parent()) {
    const auto& id = request.context.parent_id;
    proto::bytes(out_, 4, {reinterpret_cast<const char*>(id.data()), id.size()});
  }
  if (is_ascii(request.name)) proto::bytes(out_, 5, request.name);
  else proto::bytes(out_, 5, valid_text(request.name));
  proto::integer(out_, 6, request.server ? kServer : kClient);
  proto::fixed64(out_, 7, request.start_ns);
  proto::fixed64(out_, 8, std::max(request.end_ns, request.start_ns));
  describe(request, place);
  out_.append(attributes_);
  out_.append(request.events);
  if (request.server && hop.id != 0 && !request.caller) add_link(out_, trace_id, hop.id);
  if (!request.error_type.empty())
    proto::bytes(out_, 15, std::string_view("\x18\x02", 2));  // Status{code: ERROR}
  if (called || request.context.has_parent()) {
    u32 flags = request.context.flags | kHasIsRemote | (called || request.context.remote ? kIsRemote : 0);
    out_.append("\x85\x01", 2);  // field 16, fixed32
    out_.append(reinterpret_cast<const char*>(&flags), 4);
  }
  return out_;
}

std::string_view SpanWriter::record(const Request& request, const SpanPlace& place) {
  auto trace_id = trace_id_of(request, boot_, place.connection);
  u64 end_ns = std::max(request.end_ns, request.start_ns);
  bool failed = !request.error_type.empty();
  out_.clear();
  proto::fixed64(out_, 1, request.start_ns);
  proto::integer(out_, 2, failed ? kError : kInfo);
  proto::bytes(out_, 3, failed ? "ERROR" : "INFO");
  describe(request, place);
  Attributes out(attributes_);
  out.text("clover.span_kind", request.server ? "server" : "client");
  out.number("clover.duration", end_ns - request.start_ns);
  std::string name = is_ascii(request.name) ? request.name : valid_text(request.name), body;
  proto::bytes(body, 1, request.status == 0 ? name : name + " " + std::to_string(request.status));
  proto::bytes(out_, 5, body);
  for (size_t at = 0; at < attributes_.size();) proto::bytes(out_, 6, proto::read_bytes(attributes_, at));
  proto::bytes(out_, 9, {reinterpret_cast<const char*>(trace_id.data()), trace_id.size()});
  proto::bytes(out_, 10, raw(span_id_of(request, boot_, place.connection)));
  proto::fixed64(out_, 11, end_ns);
  proto::bytes(out_, 12, "clover.request");
  return out_;
}

}  // namespace clover
