#include "span_block.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace clover {
namespace {

struct Column {
  const char *name;
  const char *type;
  size_t streams;
};

#define TIME "DateTime64(9, 'UTC')"
#define MAP "Map(String, String)"

// Names and order of the table; ClickHouse casts plain text to LowCardinality by itself.
constexpr Column columns[] = {
    {"ts", TIME, 1},
    {"trace_id", "FixedString(16)", 1},
    {"span_id", "FixedString(8)", 1},
    {"parent_span_id", "FixedString(8)", 1},
    {"trace_state", "String", 1},
    {"flags", "UInt32", 1},
    {"service", "String", 1},
    {"version", "String", 1},
    {"namespace", "String", 1},
    {"pod", "String", 1},
    {"node", "String", 1},
    {"name", "String", 1},
    {"kind", "Enum8('Unspecified' = 0, 'Internal' = 1, 'Server' = 2, 'Client' = 3, "
             "'Producer' = 4, 'Consumer' = 5)", 1},
    {"duration_ns", "UInt64", 1},
    {"bucket", "UInt16", 1},
    {"ttfb_ns", "UInt64", 1},
    {"status", "Enum8('Unset' = 0, 'Ok' = 1, 'Error' = 2)", 1},
    {"status_message", "String", 1},
    {"error", "UInt8", 1},
    {"method", "String", 1},
    {"path", "String", 1},
    {"route", "String", 1},
    {"status_code", "UInt16", 1},
    {"run", "String", 1},
    {"epoch", "UInt32", 1},
    {"arm", "String", 1},
    {"scope_name", "String", 1},
    {"scope_version", "String", 1},
    {"resource_attributes", MAP, 3},
    {"attributes", MAP, 3},
    {"events.ts", "Array(" TIME ")", 2},
    {"events.name", "Array(String)", 2},
    {"events.attributes", "Array(" MAP ")", 4},
    {"links.trace_id", "Array(FixedString(16))", 2},
    {"links.span_id", "Array(FixedString(8))", 2},
    {"links.trace_state", "Array(String)", 2},
    {"links.attributes", "Array(" MAP ")", 4},
};

#undef TIME
#undef MAP

constexpr size_t column_count = sizeof columns / sizeof *columns;

// First stream of each column, found by name at compile time.
constexpr size_t stream_of(std::string_view name) {
  size_t stream = 0;
  for (const Column &column : columns) {
    if (name == column.name) return stream;
    stream += column.streams;
  }
  return ~size_t{0};
}

constexpr size_t stream_count() {
  size_t count = 0;
  for (const Column &column : columns) count += column.streams;
  return count;
}

size_t put_varint(char *out, uint64_t value) {
  size_t size = 0;
  for (; value >= 0x80; value >>= 7) out[size++] = static_cast<char>(value | 0x80);
  out[size++] = static_cast<char>(value);
  return size;
}

constexpr std::string_view zeros("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);

// An id for its FixedString: zeros stand for "absent", as in the W3C formats.
std::string_view id_or_zeros(std::string_view id, size_t size) {
  return id.empty() ? zeros.substr(0, size) : id;
}

// What spans promote to columns of their own.
struct Promoted {
  std::string_view method, path, route, run, arm, grpc_status, status_text;
  uint64_t status_code = 0, epoch = 0, ttfb_ns = 0;
};

bool take_number(uint64_t &into, std::string_view text, uint64_t max) {
  const uint64_t value = to_integer(text, 0);
  if (value == 0 || value > max) return false;
  into = value;
  return true;
}

// True when the attribute is now in a column and need not be in the map as well.
bool promote(Promoted &into, const Attribute &attribute) {
  const auto [key, text] = attribute;
  if (text.empty()) return false;
  if (key == "http.request.method") return into.method = text, true;
  if (key == "url.path") return into.path = text, true;
  if (key == "http.route") return into.route = text, true;
  if (key == "http.response.status_code") {
    if (!take_number(into.status_code, text, UINT16_MAX)) return false;
    return into.status_text = text, true;
  }
  if (key == "clover.run") return into.run = text, true;
  if (key == "clover.epoch") return take_number(into.epoch, text, UINT32_MAX);
  if (key == "clover.arm") return into.arm = text, true;
  if (key == "clover.time_to_first_byte") return take_number(into.ttfb_ns, text, INT64_MAX);
  // The second and the first were its names before (semantic-conventions #2920, #3921).
  if (key == "rpc.grpc.status_code" || key == "rpc.response.status_code" || key == "rpc.status_code")
    into.grpc_status = text;
  return false;
}

// Names of older conventions, which stay in the map under their own names.
struct Legacy {
  const Attribute *method = nullptr, *status_code = nullptr;

  void notice(const Attribute &attribute) {
    if (attribute.key == "http.method") method = &attribute;
    else if (attribute.key == "http.status_code") status_code = &attribute;
  }
};

// Beside an old name in the map, the view takes the column for a copy of it (see 0003-otel-traces.ts):
// a new name that was sent as well goes back to the map.
void reconcile(Promoted &promoted, const Legacy &legacy, Attributes &rest) {
  if (legacy.method) {
    if (promoted.method.empty()) promoted.method = legacy.method->text;
    else rest.push_back({"http.request.method", promoted.method});
  }
  if (legacy.status_code) {
    if (promoted.status_code == 0)
      take_number(promoted.status_code, legacy.status_code->text, UINT16_MAX);
    else rest.push_back({"http.response.status_code", promoted.status_text});
  }
}

// Codes of gRPC that tell of a failure of the server: as numbers, and by their names.
bool is_grpc_failure(std::string_view status) {
  static constexpr std::pair<std::string_view, unsigned> failures[] = {
      {"UNKNOWN", 2},   {"DEADLINE_EXCEEDED", 4}, {"RESOURCE_EXHAUSTED", 8},
      {"INTERNAL", 13}, {"UNAVAILABLE", 14},      {"DATA_LOSS", 15}};
  const uint64_t code = to_integer(status, 0);
  return std::any_of(std::begin(failures), std::end(failures), [&](const auto &failure) {
    return status == failure.first || code == failure.second;
  });
}

// Design §3: HTTP ≥ 500, gRPC {2, 4, 8, 13, 14, 15}, or a failure that is not the client's (4xx).
bool is_error(const Promoted &of, uint8_t status) {
  if (of.status_code >= 500) return true;
  if (is_grpc_failure(of.grpc_status)) return true;
  return status == 2 && of.status_code < 400;
}

}  // namespace

uint16_t log_bucket(uint64_t ns) {
  // ceil(2^(63 + i/16)): the smallest 64-bit mantissa in each sixteenth of an octave.
  static constexpr uint64_t bounds[16] = {
      0x8000000000000000, 0x85aac367cc487b15, 0x8b95c1e3ea8bd6e7, 0x91c3d373ab11c337,
      0x9837f0518db8a970, 0x9ef5326091a111ae, 0xa5fed6a9b15138eb, 0xad583eea42a14ac7,
      0xb504f333f9de6485, 0xbd08a39f580c36bf, 0xc5672a115506dade, 0xce248c151f8480e4,
      0xd744fccad69d6af5, 0xe0ccdeec2a94e112, 0xeac0c6e7dd24392f, 0xf5257d152486cc2d};
  if (ns == 0) return 0;
  const int shift = __builtin_clzll(ns);
  const auto *above = std::upper_bound(bounds, bounds + 16, ns << shift);
  return static_cast<uint16_t>((63 - shift) * 16 + (above - bounds) - 1);
}

void Resource::add(const Attribute &attribute) {
  const auto [key, text] = attribute;
  std::string_view *column = nullptr;
  if (key == "service.name") column = &service;
  else if (key == "service.version") column = &version;
  else if (key == "k8s.namespace.name") column = &namespace_name;
  else if (key == "k8s.pod.name") column = &pod;
  else if (key == "k8s.node.name") column = &node;
  if (column && !text.empty()) *column = text;
  else rest.push_back(attribute);
}

SpanBlock::SpanBlock() : streams_(stream_count()) {}

template <typename T>
void SpanBlock::put(size_t stream, T value) {
  raw(stream, {reinterpret_cast<const char *>(&value), sizeof value});
}

void SpanBlock::raw(size_t stream, std::string_view bytes) {
  streams_[stream].append(bytes);
  size_ += bytes.size();
}

void SpanBlock::text(size_t stream, std::string_view value) {
  char length[10];
  raw(stream, {length, put_varint(length, value.size())});
  raw(stream, value);
}

// Streams: offsets, keys, values. The offset is the count of all entries up to this row's end.
void SpanBlock::map(size_t stream, const Attributes &attributes, const Attributes *more) {
  uint64_t end = 0;
  const std::string &offsets = streams_[stream];
  if (!offsets.empty()) std::memcpy(&end, offsets.data() + offsets.size() - sizeof end, sizeof end);
  for (const Attributes *part : {&attributes, more}) {
    if (!part) continue;
    for (const auto &[key, value] : *part) {
      text(stream + 1, key);
      text(stream + 2, value);
    }
    end += part->size();
  }
  put<uint64_t>(stream, end);
}

void SpanBlock::put_events(const std::vector<Event> &events) {
  constexpr size_t ts = stream_of("events.ts"), name = stream_of("events.name"),
                   attributes = stream_of("events.attributes");
  for (const Event &event : events) {
    put<int64_t>(ts + 1, static_cast<int64_t>(event.time));
    text(name + 1, event.name);
    map(attributes + 1, event.attributes);
  }
  const uint64_t end = streams_[ts + 1].size() / sizeof(int64_t);
  for (const size_t offsets : {ts, name, attributes}) put<uint64_t>(offsets, end);
}

void SpanBlock::put_links(const std::vector<Link> &links) {
  constexpr size_t trace = stream_of("links.trace_id"), span = stream_of("links.span_id"),
                   state = stream_of("links.trace_state"),
                   attributes = stream_of("links.attributes");
  for (const Link &link : links) {
    raw(trace + 1, id_or_zeros(link.trace_id, 16));
    raw(span + 1, id_or_zeros(link.span_id, 8));
    text(state + 1, link.trace_state);
    map(attributes + 1, link.attributes);
  }
  const uint64_t end = streams_[trace + 1].size() / 16;
  for (const size_t offsets : {trace, span, state, attributes}) put<uint64_t>(offsets, end);
}

void SpanBlock::append(const Resource &resource, const Scope &scope, const Span &span) {
  const uint64_t duration = span.end > span.start ? span.end - span.start : 0;
  Promoted promoted;
  Attributes rest;
  rest.reserve(span.attributes.size());
  Legacy legacy;
  for (const Attribute &attribute : span.attributes) {
    legacy.notice(attribute);
    if (!promote(promoted, attribute)) rest.push_back(attribute);
  }
  reconcile(promoted, legacy, rest);

#define AT(name) std::integral_constant<size_t, stream_of(name)>::value
  put<int64_t>(AT("ts"), static_cast<int64_t>(span.start));
  raw(AT("trace_id"), span.trace_id);
  raw(AT("span_id"), span.span_id);
  raw(AT("parent_span_id"), id_or_zeros(span.parent_span_id, 8));
  text(AT("trace_state"), span.trace_state);
  put<uint32_t>(AT("flags"), span.flags);
  text(AT("service"), resource.service);
  text(AT("version"), resource.version);
  text(AT("namespace"), resource.namespace_name);
  text(AT("pod"), resource.pod);
  text(AT("node"), resource.node);
  text(AT("name"), span.name);
  put<uint8_t>(AT("kind"), span.kind);
  put<uint64_t>(AT("duration_ns"), duration);
  put<uint16_t>(AT("bucket"), log_bucket(duration));
  put<uint64_t>(AT("ttfb_ns"), promoted.ttfb_ns);
  put<uint8_t>(AT("status"), span.status);
  text(AT("status_message"), span.status_message);
  put<uint8_t>(AT("error"), is_error(promoted, span.status));
  text(AT("method"), promoted.method);
  text(AT("path"), promoted.path);
  text(AT("route"), promoted.route);
  put<uint16_t>(AT("status_code"), static_cast<uint16_t>(promoted.status_code));
  text(AT("run"), promoted.run);
  put<uint32_t>(AT("epoch"), static_cast<uint32_t>(promoted.epoch));
  text(AT("arm"), promoted.arm);
  text(AT("scope_name"), scope.name);
  text(AT("scope_version"), scope.version);
  map(AT("resource_attributes"), resource.rest);
  map(AT("attributes"), rest, &scope.attributes);
#undef AT
  put_events(span.events);
  put_links(span.links);
  rows_++;
}

size_t SpanBlock::encoded_size() const {
  char scratch[10];
  size_t size = put_varint(scratch, column_count) + put_varint(scratch, rows_) + size_;
  for (const Column &column : columns)
    for (const std::string_view label : {column.name, column.type})
      size += put_varint(scratch, label.size()) + label.size();
  return size;
}

void SpanBlock::write(char *out) const {
  const auto label = [&out](std::string_view value) {
    out += put_varint(out, value.size());
    out = std::copy(value.begin(), value.end(), out);
  };
  out += put_varint(out, column_count);
  out += put_varint(out, rows_);
  auto stream = streams_.begin();
  for (const Column &column : columns) {
    label(column.name);
    label(column.type);
    for (size_t i = 0; i < column.streams; i++, stream++)
      out = std::copy(stream->begin(), stream->end(), out);
  }
}

}  // namespace clover
