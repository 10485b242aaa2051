// The programs at connect(2) of a cgroup. What they tell is worth less than what others do there: where theirs would be left out for
// these, there are none.
#pragma once

#include <array>
#include <map>
#include <string>

#include "file.h"

namespace clover {

// Of a cgroup with a program that was attached without BPF_F_ALLOW_MULTI, programs of those below it take the place.
class Above {
 public:
  // Whether one above this folder has such a program at connect(2).
  bool keeps_alone(const std::string& folder);

 private:
  std::map<std::string, bool> known_;  // each is asked once
};

class Dialing {
 public:
  // File descriptors, of IPv4 and IPv6.
  using Programs = std::array<int, 2>;

  Dialing() = default;
  // None where `above` has others, or these keep further ones off; throws Unavailable for anything else.
  Dialing(const Programs& programs, const std::string& folder, int cgroup, Above& above);
  // Gives way to who has come since.
  void look_after(Above& above);

 private:
  std::string folder_;
  std::array<File, 2> links_;
};

}  // namespace clover
