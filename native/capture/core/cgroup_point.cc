#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "capture_point.h"
#include "file.h"

namespace clover {
namespace {

class CgroupPoint : public CapturePoint {
 public:
  CgroupPoint(File from_pod, File to_pod, File sockets, ConnectHooks hooks, u64 id)
      : from_pod_(std::move(from_pod)),
        to_pod_(std::move(to_pod)),
        sockets_(std::move(sockets)),
        hooks_(std::move(hooks)),
        id_(id) {}
  const char* kind() const override { return "cgroup"; }
  u64 place() const override { return kCgroups | id_; }
  void look_after(Ancestors& ancestors) override { hooks_.look_after(ancestors); }
  bool hears_sockets() const override { return bool(sockets_); }

 private:
  static constexpr u64 kCgroups = u64{1} << 63;  // above all interfaces

  File from_pod_, to_pod_, sockets_;
  ConnectHooks hooks_;
  u64 id_;
};

}  // namespace

std::unique_ptr<CapturePoint> attach_to_cgroup(const CgroupPrograms& programs, int numbers, const std::string& folder,
                                               u32 number) {
  const std::string what = "cannot attach to cgroup " + folder;
  File cgroup(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat found {};
  if (!cgroup || fstat(cgroup.get(), &found) != 0) refuse(what, errno);
  // A link adds its program to those that others have there.
  File from_pod(bpf_link_create(programs.packets.from_pod, cgroup.get(), BPF_CGROUP_INET_EGRESS, nullptr));
  if (!from_pod) refuse(what, errno);
  File to_pod(bpf_link_create(programs.packets.to_pod, cgroup.get(), BPF_CGROUP_INET_INGRESS, nullptr));
  if (!to_pod) refuse(what, errno);
  // Who puts a program of this kind there, or above it, may have asked for no others (sockmaps of meshes do).
  File sockets(bpf_link_create(programs.sockets, cgroup.get(), BPF_CGROUP_SOCK_OPS, nullptr));
  if (!sockets && errno != EPERM) refuse(what, errno);
  Ancestors ancestors;
  ConnectHooks hooks(programs.connect, folder, cgroup.get(), ancestors);
  // The kernel's id of a cgroup is the inode of its folder.
  u64 id = found.st_ino;
  if (bpf_map_update_elem(numbers, &id, &number, BPF_ANY) != 0) refuse(what, errno);
  return std::make_unique<CgroupPoint>(std::move(from_pod), std::move(to_pod), std::move(sockets),
                                       std::move(hooks), id);
}

}  // namespace clover
