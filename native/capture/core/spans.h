// Finished requests → OTLP `TracesData`, one ResourceSpans per pod and batch.
#pragma once

#include <deque>

#include "pod.h"

namespace clover {

// Spans that are ready to leave, as OTLP.
struct Batch {
  std::string otlp;
  u32 spans = 0;
  u64 sequence = 0;
  u64 watermark_ns = 0;
};

// Where a span happened, apart from its request.
struct SpanPlace {
  u64 connection = 0;
  std::string_view peer_address;
  u16 peer_port = 0;
  std::string_view local_address;
  u16 local_port = 0;
};

// Of the request's trace: the one that it says it belongs to, or one of its own.
std::array<u8, 16> trace_id_of(const Request& request, u64 boot, u64 connection);

// The context of a child of its span.
TraceContext context_below(const Request& request, u64 boot, u64 connection);

// Encodes spans into the open batch, grouped by pod.
class SpanWriter {
 public:
  // `detailed`: with the pod's own address and the stream, which the resource and the trace say otherwise.
  SpanWriter(u64 boot, size_t batch_bytes, bool detailed)
      : boot_(boot), limit_(batch_bytes), detailed_(detailed) {}

  static std::string encode_resource(const Identity& identity);
  // Appends; true where the batch is full now.
  bool append(Pod& pod, const Request& request, const SpanPlace& place);
  bool empty() const { return count_ == 0; }
  u64 oldest_start() const { return oldest_; }
  // Closes the open batch; its pods begin anew.
  Batch close();

 private:
  void encode(const Request& request, const SpanPlace& place);

  u64 boot_;
  size_t limit_;
  bool detailed_;
  size_t size_ = 0;
  u32 count_ = 0;
  u64 oldest_ = 0;
  u64 sequence_ = 0;
  std::vector<Pod*> pods_;
  std::string span_;
};

}  // namespace clover
