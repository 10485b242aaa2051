// The programs at connect(2) of a cgroup. What they tell is worth less than what those of others do there: where one of ours would take
// the place of one of these, there is none.
#pragma once

#include <array>
#include <map>
#include <string>

#include "file.h"

namespace clover {

// The cgroups that others lie in. A program that was attached to one of them without BPF_F_ALLOW_MULTI is exclusive: one further down
// takes its place.
class Ancestors {
 public:
  // Whether an ancestor of this folder has an exclusive program at connect(2).
  bool have_exclusive(const std::string& folder);

 private:
  std::map<std::string, bool> known_;  // by folder, whose ancestors they are: each is looked at once
};

// Ours at one cgroup, or none.
class ConnectHooks {
 public:
  // File descriptors, of IPv4 and IPv6.
  using Programs = std::array<int, 2>;

  ConnectHooks() = default;
  // None where an ancestor has an exclusive one, or the kernel lets no other in; throws Unavailable for anything else.
  ConnectHooks(const Programs& programs, const std::string& folder, int cgroup, Ancestors& ancestors);
  // Lets go of them where an exclusive one has come since.
  void look_after(Ancestors& ancestors);

 private:
  std::string folder_;
  std::array<File, 2> links_;
};

}  // namespace clover
