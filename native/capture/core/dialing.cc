#include "dialing.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <cerrno>

#include "capture_point.h"

namespace clover {
namespace {

constexpr std::array<bpf_attach_type, 2> kDialing{BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_INET6_CONNECT};

bool stands_alone(int cgroup) {
  for (bpf_attach_type type : kDialing) {
    u32 flags = 0, count = 0;
    // Without room for their ids it says ENOSPC where there are some.
    bpf_prog_query(cgroup, type, 0, &flags, nullptr, &count);
    if (count > 0 && (flags & BPF_F_ALLOW_MULTI) == 0) return true;
  }
  return false;
}

}  // namespace

bool Above::keeps_alone(const std::string& folder) {
  size_t slash = folder.find_last_of('/');
  if (slash == std::string::npos || slash == 0) return false;
  std::string above = folder.substr(0, slash);
  auto [known, fresh] = known_.emplace(above, false);
  if (!fresh) return known->second;
  struct statfs found {};
  if (statfs(above.c_str(), &found) != 0 || found.f_type != CGROUP2_SUPER_MAGIC) return false;
  File cgroup(open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return known->second = (cgroup && stands_alone(cgroup.get())) || keeps_alone(above);
}

Dialing::Dialing(const Programs& programs, const std::string& folder, int cgroup, Above& above) : folder_(folder) {
  if (above.keeps_alone(folder)) return;
  for (size_t i = 0; i < links_.size(); i++) {
    links_[i] = File(bpf_link_create(programs[i], cgroup, kDialing[i], nullptr));
    if (!links_[i] && errno != EPERM) refuse("cannot attach to cgroup " + folder, errno);
  }
}

void Dialing::look_after(Above& above) {
  if ((links_[0] || links_[1]) && above.keeps_alone(folder_))
    for (File& link : links_) link = File();
}

}  // namespace clover
