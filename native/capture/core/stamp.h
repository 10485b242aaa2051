// Grammar of the two headers that say who a request is: x-clover-arm and traceparent.
#pragma once

#include "common.h"

namespace clover {

// `<run>.<epoch>.<arm>` as functions/lib/arm-stamp.ts writes it; an empty arm means none.
struct Stamp {
  std::string run;
  u32 epoch = 0;
  std::string arm;

  bool known() const { return !arm.empty(); }
  bool operator==(const Stamp& o) const {
    return epoch == o.epoch && arm == o.arm && run == o.run;
  }
  bool operator<(const Stamp& o) const {
    if (run != o.run) return run < o.run;
    if (epoch != o.epoch) return epoch < o.epoch;
    return arm < o.arm;
  }
};

// False where the text is not a stamp; `out` is then untouched.
bool parse_stamp(std::string_view text, Stamp& out);

// W3C Trace Context, level 1.
struct TraceContext {
  std::array<u8, 16> trace_id{};
  std::array<u8, 8> parent_id{};
  u8 flags = 0;
  bool valid = false;

  // A trace without one is told from what its requests share, such as a Call-ID.
  bool has_parent() const { return valid && parent_id != decltype(parent_id){}; }
};

// An invalid header leaves `valid` false.
TraceContext parse_traceparent(std::string_view text);

}  // namespace clover
