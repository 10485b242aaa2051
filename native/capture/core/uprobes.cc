#include "uprobes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "loader_log.h"
#include "signals.h"
#include "tls_library.h"

namespace clover {
namespace {

constexpr const char* kSocketProgram = "tls_socket";

// Newer than Debian 12's linux/bpf.h.
constexpr u32 kUprobeMulti = 48, kAtReturn = 1;

struct LinkCreate {
  u32 prog_fd, target_fd, attach_type, flags;
  u64 path, offsets, ref_ctr_offsets, cookies;
  u32 count, at_return, pid, reserved;
};
static_assert(sizeof(LinkCreate) == 64, "as bpf(2) has it");

bool is_ours(const char* name) { return std::string_view(name).substr(0, 4) == "tls_"; }

}  // namespace

void leave_out_uprobes(bpf_object* object) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object)
    if (is_ours(bpf_program__name(program))) bpf_program__set_autoload(program, false);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object)
    if (is_ours(bpf_map__name(map))) bpf_map__set_autocreate(map, false);
}

Uprobes::Uprobes(const std::string& object_path, bpf_object* packets, const tap_limits& limits, bool many_at_once)
    : many_at_once_(many_at_once) {
  SignalsBlocked blocked;
  LoaderLog log;
  object_ = bpf_object__open_file(object_path.c_str(), nullptr);
  if (object_ == nullptr) refuse("cannot open " + object_path, errno);
  try {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object_) {
      bpf_program__set_autoload(program, is_ours(bpf_program__name(program)));
      if (many_at_once_ && bpf_program__type(program) == BPF_PROG_TYPE_KPROBE)
        bpf_program__set_expected_attach_type(program, static_cast<bpf_attach_type>(kUprobeMulti));
    }
    const bpf_map* constants = bpf_object__find_map_by_name(object_, ".rodata");
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_) {
      const char* name = bpf_map__name(map);
      if (is_ours(name)) continue;
      int shared = bpf_object__find_map_fd_by_name(packets, name);
      int error = map == constants ? bpf_map__set_initial_value(map, &limits, sizeof(limits))
                  : shared >= 0    ? bpf_map__reuse_fd(map, shared)
                                   : bpf_map__set_autocreate(map, false);
      if (error != 0) refuse("cannot share maps of programs", -error);
    }
    if (int error = bpf_object__load(object_)) refuse("the kernel refuses the programs for TLS", -error, log.tail());
    processes_ = bpf_object__find_map_fd_by_name(object_, "tls_processes");
  } catch (...) {
    bpf_object__close(object_);
    throw;
  }
}

Uprobes::~Uprobes() {
  while (!links_.empty()) detach(links_.begin()->first);
  endings_.finish();
  sockets_.clear();
  bpf_object__close(object_);
}

void Uprobes::attach(const TlsProbe& probe, const std::vector<u64>& places, u32 process, const std::string& file,
                     std::vector<UprobeLink>& links) {
  const bpf_program* program = bpf_object__find_program_by_name(object_, probe.program);
  bool at_return = probe.place == TlsPlace::kernel_return;
  auto check = [&](bool made) {
    if (!made) refuse("cannot attach to " + std::string(probe.function) + " of " + file, errno);
  };
  if (many_at_once_) {
    LinkCreate request{};
    request.prog_fd = static_cast<u32>(bpf_program__fd(program));
    request.attach_type = kUprobeMulti;
    request.path = reinterpret_cast<u64>(file.c_str());
    request.offsets = reinterpret_cast<u64>(places.data());
    request.count = static_cast<u32>(places.size());
    request.at_return = at_return ? kAtReturn : 0;
    request.pid = process;
    File made(static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &request, sizeof(request))));
    check(static_cast<bool>(made));
    links.push_back({nullptr, std::move(made)});
    return;
  }
  LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = at_return);
  for (u64 place : places) {
    auto* made = bpf_program__attach_uprobe_opts(program, static_cast<pid_t>(process), file.c_str(), place, &options);
    check(made != nullptr);
    links.push_back({std::unique_ptr<bpf_link, UprobeLink::End>(made), File()});
  }
}

void Uprobes::attach(u32 process, u32 point, const std::string& file) {
  TlsFunctions functions = tls_functions_of(file);
  if (!functions.readable()) throw Unavailable(file + " names no functions of a TLS library");
  std::vector<UprobeLink> links;
  for (const TlsProbe& probe : kTlsProbes) {
    auto found = functions.by_name.find(probe.function);
    if (found == functions.by_name.end()) continue;
    const TlsFunction& function = found->second;
    attach(probe, probe.place == TlsPlace::each_return ? function.returns : std::vector<u64>{function.at}, process, file, links);
  }
  // Last: until then the programs do nothing.
  if (bpf_map_update_elem(processes_, &process, &point, BPF_ANY) != 0) refuse("too many processes with TLS", errno);
  auto& all = links_[process];
  for (UprobeLink& link : links) all.push_back(std::move(link));
}

void Uprobes::detach(u32 process) {
  auto found = links_.find(process);
  if (found == links_.end()) return;
  bpf_map_delete_elem(processes_, &process);
  endings_.add(std::move(found->second));
  links_.erase(found);
}

void Uprobes::watch(u32 point, const std::string& cgroup) {
  if (sockets_.count(point) > 0) return;
  const std::string what = "cannot attach to cgroup " + cgroup;
  File folder(open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) refuse(what, errno);
  int program = bpf_program__fd(bpf_object__find_program_by_name(object_, kSocketProgram));
  File link(bpf_link_create(program, folder.get(), BPF_CGROUP_INET_EGRESS, nullptr));
  if (!link) refuse(what, errno);
  sockets_.emplace(point, std::move(link));
}

u64 Uprobes::run_time_ns() const {
  u64 sum = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    bpf_prog_info info{};
    u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0) sum += info.run_time_ns;
  }
  return sum;
}

}  // namespace clover
