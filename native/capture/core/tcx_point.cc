#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

#include "capture_point.h"
#include "file.h"

namespace clover {
namespace {

// What follows is newer than Debian 12's linux/bpf.h.
constexpr u32 kTcxIngress = 46, kTcxEgress = 47;
constexpr u32 kBefore = 1u << 3;
constexpr size_t kMaxPrograms = 64;  // of a chain (BPF_MPROG_MAX)

struct LinkCreate {
  u32 prog_fd, target_ifindex, attach_type, flags;
  u32 relative_fd, reserved;
  u64 expected_revision;
};
static_assert(sizeof(LinkCreate) == 32, "as bpf(2) has it");

struct ProgramQuery {
  u32 target_ifindex, attach_type, query_flags, attach_flags;
  u64 prog_ids;
  u32 count, reserved;
  u64 prog_attach_flags, link_ids, link_attach_flags, revision;
};
static_assert(sizeof(ProgramQuery) == 64, "as bpf(2) has it");

struct LinkInfo {
  u32 type, id, prog_id, reserved;
  u32 ifindex, attach_type;  // of tcx; no interface: it is detached
  u64 rest[4];
};

// BPF_F_BEFORE without a relative is the head of the chain: others' programs still run after ours.
File link(int program, u32 ifindex, u32 type) {
  LinkCreate request{static_cast<u32>(program), ifindex, type, kBefore, 0, 0, 0};
  File made(static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &request, sizeof(request))));
  if (!made) refuse("cannot attach to interface " + std::to_string(ifindex), errno);
  return made;
}

// Our place in one direction's chain.
class ChainLink {
 public:
  ChainLink(int program, u32 ifindex, u32 type) : link_(link(program, ifindex, type)), ifindex_(ifindex), type_(type) {
    LinkInfo info = this->info();
    program_ = info.prog_id;
  }

  bool attached() const { return link_ && info().ifindex != 0; }
  void detach() { link_ = File(); }

  // The chain is read where its revision says that it is another one than before.
  const std::vector<u32>& overtaken_by() {
    u32 ids[kMaxPrograms];
    ProgramQuery query{ifindex_, type_, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    if (!ask(query) || query.revision == revision_) return before_;
    query.prog_ids = reinterpret_cast<u64>(ids);
    query.count = kMaxPrograms;
    if (!ask(query)) return before_;
    revision_ = query.revision;
    u32* end = ids + std::min<size_t>(query.count, kMaxPrograms);
    before_.assign(ids, std::find(ids, end, program_));
    return before_;
  }

 private:
  static bool ask(ProgramQuery& query) { return syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)) == 0; }
  LinkInfo info() const {
    LinkInfo info{};
    u32 size = sizeof(info);
    // What cannot be told is taken to be as it was.
    if (bpf_obj_get_info_by_fd(link_.get(), &info, &size) != 0) info.ifindex = ifindex_;
    return info;
  }

  File link_;
  u32 ifindex_, type_;
  u32 program_ = 0;
  u64 revision_ = 0;
  std::vector<u32> before_;
};

class TcxPoint : public CapturePoint {
 public:
  TcxPoint(const ProgramPair& programs, u32 ifindex)
      : ingress_(programs.from_pod, ifindex, kTcxIngress), egress_(programs.to_pod, ifindex, kTcxEgress), ifindex_(ifindex) {}
  const char* kind() const override { return "tcx"; }
  u64 place() const override { return ifindex_; }
  bool attached() const override { return ingress_.attached() && egress_.attached(); }
  void detach() override {
    ingress_.detach();
    egress_.detach();
  }
  std::vector<u32> overtaken_by() override {
    std::vector<u32> all = ingress_.overtaken_by();
    for (u32 id : egress_.overtaken_by())
      if (std::find(all.begin(), all.end(), id) == all.end()) all.push_back(id);
    return all;
  }

 private:
  ChainLink ingress_, egress_;
  u32 ifindex_;
};

}  // namespace

std::unique_ptr<CapturePoint> attach_by_tcx(const ProgramPair& programs, u32 ifindex) {
  return std::make_unique<TcxPoint>(programs, ifindex);
}

}  // namespace clover
