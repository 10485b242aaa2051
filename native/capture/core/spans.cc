#include "spans.h"

#include <algorithm>

#include "attributes.h"
#include "hop.h"
#include "protobuf.h"

namespace clover {
namespace {

constexpr std::string_view kScope = "clover.agent";
constexpr u8 kServer = 2, kClient = 3;
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

void SpanWriter::encode(const Request& request, const SpanPlace& place) {
  span_.clear();
  Hop hop = hop_of(request);
  u64 own = span_id_of(request, boot_, place.connection);
  auto trace_id = trace_id_of(request, boot_, place.connection);
  proto::bytes(span_, 1, {reinterpret_cast<const char*>(trace_id.data()), trace_id.size()});
  proto::bytes(span_, 2, raw(own));
  if (!request.tracestate.empty() && request.context.valid && is_ascii(request.tracestate))
    proto::bytes(span_, 3, std::string_view(request.tracestate).substr(0, kMaxState));
  // The CLIENT span is the parent where it is known to be one; another node's may not exist, and is linked.
  bool called = request.caller && request.caller->keeps(request.context, trace_id);
  if (called) {
    proto::bytes(span_, 4, raw(hop.id));
  } else if (request.context.has_parent()) {
    const auto& id = request.context.parent_id;
    proto::bytes(span_, 4, {reinterpret_cast<const char*>(id.data()), id.size()});
  }
  if (is_ascii(request.name)) proto::bytes(span_, 5, request.name);
  else proto::bytes(span_, 5, valid_text(request.name));
  proto::integer(span_, 6, request.server ? kServer : kClient);
  proto::fixed64(span_, 7, request.start_ns);
  proto::fixed64(span_, 8, std::max(request.end_ns, request.start_ns));
  span_.append(request.attributes);
  Attributes out(span_);
  out.text("network.peer.address", place.peer_address);
  out.number("network.peer.port", place.peer_port);
  if (detailed_) {
    out.text("network.local.address", place.local_address);
    out.number("network.local.port", place.local_port);
    if (request.stream_id != 0) out.number("clover.stream_id", request.stream_id);
  }
  if (hop.id != 0) out.text("clover.hop", hop.by);
  if (request.incomplete) out.flag("clover.incomplete");
  if (!request.error_type.empty()) out.text("error.type", request.error_type);
  if (request.first_byte_ns > request.start_ns)
    out.number("clover.time_to_first_byte", request.first_byte_ns - request.start_ns);
  if (request.stamp.known()) {
    out.text("clover.run", request.stamp.run);
    out.number("clover.epoch", request.stamp.epoch);
    out.text("clover.arm", request.stamp.arm);
  }
  span_.append(request.events);
  if (request.server && hop.id != 0 && !request.caller) add_link(span_, trace_id, hop.id);
  if (!request.error_type.empty())
    proto::bytes(span_, 15, std::string_view("\x18\x02", 2));  // Status{code: ERROR}
  if (called || request.context.has_parent()) {
    u32 flags = request.context.flags | kHasIsRemote | (called || request.context.remote ? kIsRemote : 0);
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
