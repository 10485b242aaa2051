// Finished requests as spans and as records of an access log, encoded for OTLP.
#pragma once

#include "pod.h"

namespace clover {

// Where a span happened, apart from its request.
struct SpanPlace {
  u64 connection = 0;
  std::string_view peer_address;
  u16 peer_port = 0;
  std::string_view local_address;
  u16 local_port = 0;
  bool tls = false;
};

// Of the request's trace: the one that it says it belongs to, or one of its own.
std::array<u8, 16> trace_id_of(const Request& request, u64 boot, u64 connection);

// The context of a child of its span.
TraceContext context_below(const Request& request, u64 boot, u64 connection);

// Encodes requests that are over.
class SpanWriter {
 public:
  // `detailed`: with the pod's own address and the stream, which the resource and the trace say otherwise.
  SpanWriter(u64 boot, bool detailed) : boot_(boot), detailed_(detailed) {}

  static std::string encode_resource(const Identity& identity);
  // A `Span`; valid until the next call.
  std::string_view span(const Request& request, const SpanPlace& place);
  // A `LogRecord` with the span's attributes; valid until the next call.
  std::string_view record(const Request& request, const SpanPlace& place);

 private:
  void describe(const Request& request, const SpanPlace& place);

  u64 boot_;
  bool detailed_;
  std::string attributes_, out_;
};

}  // namespace clover
