// Names of header fields that a span is made of, and HPACK's static table of them.
#pragma once

#include "../context.h"

namespace clover {

// Fields whose values are read; what is in none of them is never kept.
enum class Field : u8 {
  authority,
  method,
  path,
  protocol,
  scheme,
  status,
  clover_arm,
  content_type,
  grpc_status,
  host,
  user_agent,
  trace,  // the first of those that TraceField names, in its order
  trace_last = trace + static_cast<int>(kTraceFields) - 1,
  other,    // known, and of no interest
  unknown,  // it was named before the capture
};

inline constexpr size_t kFieldCount = static_cast<size_t>(Field::other);

Field field_of(std::string_view name);
inline Field field_of(TraceField field) {
  return static_cast<Field>(static_cast<u8>(Field::trace) + static_cast<u8>(field));
}

inline bool is_pseudo(Field field) { return field <= Field::status; }

struct StaticField {
  std::string_view name;
  Field field;
  std::string_view value;
};

inline constexpr size_t kStaticFields = 61;
// By RFC 7541, Appendix A: from 1 to kStaticFields.
const StaticField& static_field(size_t index);

}  // namespace clover
