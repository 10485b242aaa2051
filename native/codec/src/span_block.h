// Spans as one ClickHouse Native block for the table `spans` of functions/analytics/migrations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attributes.h"

namespace clover {

// A resource or a scope: shared by the spans below it.
struct Resource {
  std::string_view service, version, namespace_name, pod, node;
  Attributes rest;

  // Takes the attribute into its own column, or among the rest.
  void add(const Attribute &attribute);
};

// Instrumentation scope of the spans that follow.
struct Scope {
  std::string_view name, version;
  Attributes attributes;
};

// One event of a span.
struct Event {
  uint64_t time = 0;
  std::string_view name;
  Attributes attributes;
};

// One link of a span.
struct Link {
  std::string_view trace_id, span_id, trace_state;
  Attributes attributes;
};

// One decoded span, before it is appended to the columns.
struct Span {
  std::string_view trace_id, span_id, parent_span_id, trace_state, name;
  uint8_t kind = 0;
  uint64_t start = 0, end = 0;
  uint32_t flags = 0;
  uint8_t status = 0;
  std::string_view status_message;
  Attributes attributes;
  std::vector<Event> events;
  std::vector<Link> links;
};

// Index of the log-bucket of a duration: floor(log2(ns) · 16) in integers; 0 for 0 ns.
uint16_t log_bucket(uint64_t ns);

// Columns of the span table, written as one block of ClickHouse's Native format.
class SpanBlock {
 public:
  SpanBlock();

  void append(const Resource &resource, const Scope &scope, const Span &span);

  size_t rows() const { return rows_; }
  // Bytes of the column data so far.
  size_t data_size() const { return size_; }
  // Exact size of what write() writes.
  size_t encoded_size() const;
  void write(char *out) const;

 private:
  template <typename T>
  void put(size_t stream, T value);
  void raw(size_t stream, std::string_view bytes);
  void text(size_t stream, std::string_view value);
  void map(size_t stream, const Attributes &attributes, const Attributes *more = nullptr);
  void put_events(const std::vector<Event> &events);
  void put_links(const std::vector<Link> &links);

  size_t rows_ = 0;
  size_t size_ = 0;
  // Column by column; arrays and maps have a stream for their offsets and one for each part.
  std::vector<std::string> streams_;
};

}  // namespace clover
