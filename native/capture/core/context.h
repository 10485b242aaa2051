// Header fields by which a request says which trace it belongs to, whatever protocol carries them.
//
// The first of these that is valid counts: W3C `traceparent`, `b3`, `X-B3-*`, `uber-trace-id`, `sw8`. One that is not
// valid is as if it had not been sent, and so is one that was sent twice with two values: readers differ on which counts.
// `x-request-id` and `3gpp-Sbi-Correlation-Info` name no trace; they become attributes.
#pragma once

#include "common.h"

namespace clover {

struct Request;
struct Selection;

// Who a request's parent is.
struct TraceContext {
  std::array<u8, 16> trace_id{};
  std::array<u8, 8> parent_id{};
  u8 flags = 0;         // 1: sampled
  bool decided = true;  // whether the flag says so, or nobody has decided yet
  bool valid = false;
  bool remote = true;  // the parent is a span of another process

  // A trace without one is told from what its requests share, such as a Call-ID.
  bool has_parent() const { return valid && parent_id != decltype(parent_id){}; }
};

// The fields that are read.
enum class TraceField : u8 {
  traceparent,
  tracestate,
  b3,
  b3_trace_id,
  b3_span_id,
  b3_sampled,
  b3_flags,
  uber_trace_id,
  sw8,
  request_id,
  correlation_info,
  none,
};

inline constexpr size_t kTraceFields = static_cast<size_t>(TraceField::none);

// In any case of letters.
TraceField trace_field_of(std::string_view name);

// Gathers them while a head is read, in any order. It keeps views of their values.
class TraceHeaders {
 public:
  // False where the field is none of them.
  bool take(std::string_view name, std::string_view value);
  void take(TraceField field, std::string_view value);
  TraceContext context() const;
  // Puts the context on a request.
  void apply(Request& request) const;
  // What becomes attributes, by the convention for headers: `<prefix><name in lower case>`.
  void describe(Request& request, std::string_view prefix, const Selection& selection) const;

 private:
  std::string_view operator[](TraceField field) const;

  std::array<std::string_view, kTraceFields> values_{};
  u16 seen_ = 0, torn_ = 0;   // a bit per field; torn: sent with several values
  std::string states_;        // of several tracestate fields, which are one list (W3C Trace Context §3.3.1.1)
};

// W3C Trace Context §3.2; level 2 has not changed it.
TraceContext parse_traceparent(std::string_view text);
// `{trace}-{span}[-{sampled}[-{parent}]]` (openzipkin/b3-propagation, Single Header).
TraceContext parse_b3(std::string_view text);
// `{trace}:{span}:{parent}:{flags}`, colons perhaps as %3A (Jaeger's client libraries).
TraceContext parse_uber_trace_id(std::string_view text);
// SkyWalking's Cross Process Propagation Headers Protocol v3. Its ids are texts; they become the ids that
// the OpenTelemetry Collector's receiver gives the spans of SkyWalking's own agents.
TraceContext parse_sw8(std::string_view text);
// Kinds of the identifiers of a 3gpp-Sbi-Correlation-Info (3GPP TS 29.500 §5.2.3), which name subscribers: without their values.
std::string redacted_correlation(std::string_view text);

}  // namespace clover
