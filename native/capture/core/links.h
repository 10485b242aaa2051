// Which interfaces a process sees, and where the other ends of its veths are: by netlink alone, so that nobody has to
// enter its network namespace (setns needs CAP_SYS_ADMIN) or to look at its files (CAP_SYS_PTRACE).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common.h"

namespace clover {

// An interface of one network namespace.
struct Link {
  u32 ifindex = 0;
  std::string name;
  std::string kind;  // "veth", "macvlan", …; empty for hardware
  bool xdp = false;  // a program takes packets there before the kernel's network does
  u32 other_ifindex = 0;  // what it is linked to; 0 for nothing
  i32 other_namespace = -1;  // where that is, as a namespace id of ours; -1 for its own namespace
};

// An interface of a process, and its other end where that is an interface of our own namespace.
struct ProcessLink {
  Link link;
  std::optional<Link> ours;
};

// What a process sees.
struct ProcessLinks {
  bool own = false;  // it is in our own network namespace; `links` is empty then
  std::vector<ProcessLink> links;
};

// Empty when there is no such process. Throws Unavailable; an asker without CAP_NET_ADMIN is refused.
std::optional<ProcessLinks> process_links(u32 pid);

}  // namespace clover
