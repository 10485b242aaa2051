#include <linux/bpf.h>
#include <sys/syscall.h>

#include <cerrno>

#include "capture_point.h"
#include "file.h"

namespace clover {
namespace {

// Newer than Debian 12's linux/bpf.h.
constexpr u32 kTcxIngress = 46, kTcxEgress = 47;
constexpr u32 kBefore = 1u << 3;

struct LinkCreate {
  u32 prog_fd, target_ifindex, attach_type, flags;
  u32 relative_fd, reserved;
  u64 expected_revision;
};
static_assert(sizeof(LinkCreate) == 32, "as bpf(2) has it");

// BPF_F_BEFORE without a relative is the head of the chain: others' programs still run after ours.
File link(int program, u32 ifindex, u32 type) {
  LinkCreate request{static_cast<u32>(program), ifindex, type, kBefore, 0, 0, 0};
  File made(static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &request, sizeof(request))));
  if (!made) refuse("cannot attach to interface " + std::to_string(ifindex), errno);
  return made;
}

class TcxPoint : public CapturePoint {
 public:
  TcxPoint(File ingress, File egress, u32 ifindex)
      : ingress_(std::move(ingress)), egress_(std::move(egress)), ifindex_(ifindex) {}
  const char* kind() const override { return "tcx"; }
  u64 place() const override { return ifindex_; }

 private:
  File ingress_, egress_;
  u32 ifindex_;
};

}  // namespace

std::unique_ptr<CapturePoint> attach_by_tcx(const ProgramPair& programs, u32 ifindex) {
  File ingress = link(programs.from_pod, ifindex, kTcxIngress);
  return std::make_unique<TcxPoint>(std::move(ingress), link(programs.to_pod, ifindex, kTcxEgress), ifindex);
}

}  // namespace clover
