// Grammar of the header that says which arm answered: x-clover-arm.
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

}  // namespace clover
