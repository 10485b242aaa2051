// OTLP traces (opentelemetry-proto 1.x) → one column block.
#pragma once

#include <cstddef>
#include <cstdint>

#include "span_block.h"

namespace clover {

// Most bytes of column data that one input may become: a resource is repeated on each of its spans.
constexpr size_t max_block_bytes = size_t{256} << 20;

// Decodes a `TracesData` / `ExportTraceServiceRequest`. Throws Malformed.
void decode_traces(const uint8_t *data, size_t size, SpanBlock &block);

}  // namespace clover
