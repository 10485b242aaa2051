#include "connect_hooks.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <cerrno>

#include "capture_point.h"

namespace clover {
namespace {

constexpr std::array<bpf_attach_type, 2> kHooks{BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_INET6_CONNECT};

bool is_cgroup(const std::string& folder) {
  struct statfs found {};
  return statfs(folder.c_str(), &found) == 0 && found.f_type == CGROUP2_SUPER_MAGIC;
}

bool has_exclusive(const std::string& folder) {
  File cgroup(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup) return false;
  for (bpf_attach_type hook : kHooks) {
    u32 flags = 0, count = 0;
    bpf_prog_query(cgroup.get(), hook, 0, &flags, nullptr, &count);
    if (count > 0 && (flags & BPF_F_ALLOW_MULTI) == 0) return true;
  }
  return false;
}

}  // namespace

bool Ancestors::have_exclusive(const std::string& folder) {
  size_t slash = folder.find_last_of('/');
  if (slash == std::string::npos || slash == 0) return false;
  std::string parent = folder.substr(0, slash);
  auto [known, fresh] = known_.emplace(parent, false);
  if (fresh) known->second = is_cgroup(parent) && (has_exclusive(parent) || have_exclusive(parent));
  return known->second;
}

ConnectHooks::ConnectHooks(const Programs& programs, const std::string& folder, int cgroup, Ancestors& ancestors)
    : folder_(folder) {
  if (ancestors.have_exclusive(folder)) return;
  for (size_t i = 0; i < links_.size(); i++) {
    links_[i] = File(bpf_link_create(programs[i], cgroup, kHooks[i], nullptr));
    if (!links_[i] && errno != EPERM) refuse("cannot attach to cgroup " + folder, errno);
  }
}

void ConnectHooks::look_after(Ancestors& ancestors) {
  if ((links_[0] || links_[1]) && ancestors.have_exclusive(folder_))
    for (File& link : links_) link = File();
}

}  // namespace clover
