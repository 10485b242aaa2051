#include "otlp.h"

#include <string>

#include "wire.h"

namespace clover {
namespace {

// Numbers of the fields that one message repeats or nests; names as in trace.proto.
namespace field {
constexpr uint32_t resource_spans = 1;
constexpr uint32_t resource = 1, scope_spans = 2;
constexpr uint32_t scope = 1, spans = 2;
}  // namespace field

class Decoder {
 public:
  explicit Decoder(SpanBlock &block) : block_(block) {}

  void traces(Reader message) {
    while (!message.done()) {
      const Field at = message.next();
      if (at.number == field::resource_spans) resource_spans(message.message(at));
      else message.skip(at);
    }
  }

 private:
  // Fields come in any order, so what is shared is read in a pass of its own.
  void resource_spans(Reader message) {
    Resource resource;
    for (Reader pass = message; !pass.done();) {
      const Field at = pass.next();
      if (at.number == field::resource) read_resource(pass.message(at), resource);
      else pass.skip(at);
    }
    while (!message.done()) {
      const Field at = message.next();
      if (at.number == field::scope_spans) scope_spans(message.message(at), resource);
      else message.skip(at);
    }
  }

  void scope_spans(Reader message, const Resource &resource) {
    Scope scope;
    for (Reader pass = message; !pass.done();) {
      const Field at = pass.next();
      if (at.number == field::scope) read_scope(pass.message(at), scope);
      else pass.skip(at);
    }
    while (!message.done()) {
      const Field at = message.next();
      if (at.number != field::spans) {
        message.skip(at);
        continue;
      }
      read_span(message.message(at));
      block_.append(resource, scope, span_);
      if (block_.data_size() > max_block_bytes)
        Reader::fail(at.offset, "expands to more than 256 MiB of columns");
      span_arena_.clear();
    }
  }

  void read_resource(Reader message, Resource &resource) {
    while (!message.done()) {
      const Field at = message.next();
      if (at.number == 1) resource.add(read_attribute(message.message(at), shared_arena_));
      else message.skip(at);
    }
  }

  void read_scope(Reader message, Scope &scope) {
    while (!message.done()) {
      const Field at = message.next();
      switch (at.number) {
        case 1: scope.name = message.text(at); break;
        case 2: scope.version = message.text(at); break;
        case 3: {
          // As the OpenTelemetry specification maps scopes to formats without them.
          Attribute attribute = read_attribute(message.message(at), shared_arena_);
          attribute.key = shared_arena_.keep("otel.scope." + std::string(attribute.key));
          scope.attributes.push_back(attribute);
          break;
        }
        default: message.skip(at);
      }
    }
  }

  void read_span(Reader message) {
    const size_t start = message.offset();
    span_ = Span();
    while (!message.done()) {
      const Field at = message.next();
      switch (at.number) {
        case 1: span_.trace_id = id(message, at, 16); break;
        case 2: span_.span_id = id(message, at, 8); break;
        case 3: span_.trace_state = message.text(at); break;
        case 4: span_.parent_span_id = optional_id(message, at, 8); break;
        case 5: span_.name = message.text(at); break;
        case 6: span_.kind = enumeration(message.varint(at), 5); break;
        case 7: span_.start = time(message, at); break;
        case 8: span_.end = time(message, at); break;
        case 9: span_.attributes.push_back(read_attribute(message.message(at), span_arena_)); break;
        case 10: dropped("otel.dropped_attributes_count", message.varint(at)); break;
        case 11: span_.events.push_back(read_event(message.message(at))); break;
        case 12: dropped("otel.dropped_events_count", message.varint(at)); break;
        case 13: span_.links.push_back(read_link(message.message(at))); break;
        case 14: dropped("otel.dropped_links_count", message.varint(at)); break;
        case 15: read_status(message.message(at)); break;
        case 16: span_.flags = message.fixed32(at); break;
        default: message.skip(at);
      }
    }
    if (span_.trace_id.empty()) Reader::fail(start, "span without trace_id");
    if (span_.span_id.empty()) Reader::fail(start, "span without span_id");
  }

  Event read_event(Reader message) {
    Event event;
    while (!message.done()) {
      const Field at = message.next();
      switch (at.number) {
        case 1: event.time = time(message, at); break;
        case 2: event.name = message.text(at); break;
        case 3: event.attributes.push_back(read_attribute(message.message(at), span_arena_)); break;
        default: message.skip(at);
      }
    }
    return event;
  }

  // The API allows links to contexts that are not valid, when they carry attributes: ids may be absent.
  Link read_link(Reader message) {
    Link link;
    while (!message.done()) {
      const Field at = message.next();
      switch (at.number) {
        case 1: link.trace_id = optional_id(message, at, 16); break;
        case 2: link.span_id = optional_id(message, at, 8); break;
        case 3: link.trace_state = message.text(at); break;
        case 4: link.attributes.push_back(read_attribute(message.message(at), span_arena_)); break;
        default: message.skip(at);
      }
    }
    return link;
  }

  void read_status(Reader message) {
    while (!message.done()) {
      const Field at = message.next();
      switch (at.number) {
        case 2: span_.status_message = message.text(at); break;
        case 3: span_.status = enumeration(message.varint(at), 2); break;
        default: message.skip(at);
      }
    }
  }

  static std::string_view optional_id(Reader &message, const Field &at, size_t size) {
    const std::string_view value = message.bytes(at);
    if (value.empty() || value.size() == size) return value;
    Reader::fail(at.offset, size == 16 ? "trace id is not 16 bytes" : "span id is not 8 bytes");
  }

  static std::string_view id(Reader &message, const Field &at, size_t size) {
    const std::string_view value = optional_id(message, at, size);
    if (value.find_first_not_of('\0') == std::string_view::npos)
      Reader::fail(at.offset, size == 16 ? "trace id is zero" : "span id is zero");
    return value;
  }

  // ClickHouse keeps nanoseconds in 63 bits, until the year 2262.
  static uint64_t time(Reader &message, const Field &at) {
    const uint64_t value = message.fixed64(at);
    if (value > INT64_MAX) Reader::fail(at.offset, "time after the year 2262");
    return value;
  }

  // proto3 enums are open: a value from the future reads as "unspecified".
  static uint8_t enumeration(uint64_t value, uint8_t max) {
    return value <= max ? static_cast<uint8_t>(value) : 0;
  }

  void dropped(std::string_view key, uint64_t count) {
    if (count > 0) span_.attributes.push_back({key, span_arena_.keep(std::to_string(count))});
  }

  SpanBlock &block_;
  Span span_;
  Arena shared_arena_;
  Arena span_arena_;
};

}  // namespace

void decode_traces(const uint8_t *data, size_t size, SpanBlock &block) {
  Decoder(block).traces(Reader(data, size));
}

}  // namespace clover
