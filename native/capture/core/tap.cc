#include "tap.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <numeric>
#include <utility>
#include <vector>

#include "loader_log.h"
#include "signals.h"
#include "tap_records.h"

namespace clover {
namespace {

constexpr u64 kBeatNs = 1'000'000'000;
constexpr u64 kLookNs = 5'000'000'000;
constexpr u64 kLossesEveryNs = 1'000'000'000;

struct Version {
  int major = 0, minor = 0;
  bool before(Version other) const {
    return major < other.major || (major == other.major && minor < other.minor);
  }
};

constexpr Version kOldest{5, 10};
// Before it the verifier looks at a loop anew from each path that leads there, and gives up on a long one.
constexpr Version kTakesLongLoops{6, 5};
// One by one since then, unless by a link to many places.
constexpr Version kLetsGoTogether{6, 12};
constexpr u32 kFewChunks = 5;  // the longest segment without BIG TCP
constexpr u64 kWakeupBytes = 4 * 1024 * 1024;

Version kernel_version() {
  utsname name{};
  Version version;
  uname(&name);
  if (std::sscanf(name.release, "%d.%d", &version.major, &version.minor) == 2 && version.before(kOldest))
    throw Unavailable(std::string("needs Linux 5.10 or newer, this is ") + name.release);
  return version;
}

u64 clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

}  // namespace

Tap::Tap(const std::string& object_path, u32 ring_bytes, std::vector<std::string> rungs)
    : object_path_(object_path), rungs_(std::move(rungs)) {
  try {
    load(object_path, ring_bytes);
    map_ring(ring_bytes);
    sweep_clsact();
  } catch (...) {
    release();
    throw;
  }
}

Tap::~Tap() { release(); }

void Tap::release() {
  uprobes_.reset();
  points_.clear();
  if (consumer_ != nullptr) munmap(consumer_, page_);
  if (producer_ != nullptr) munmap(producer_, producer_bytes_);
  if (epoll_ >= 0) close(epoll_);
  if (object_ != nullptr) bpf_object__close(object_);
  consumer_ = producer_ = nullptr;
  epoll_ = -1;
  object_ = nullptr;
}

void Tap::load(const std::string& object_path, u32 ring_bytes) {
  SignalsBlocked blocked;
  LoaderLog log;
  object_ = bpf_object__open_file(object_path.c_str(), nullptr);
  if (object_ == nullptr) refuse("cannot open " + object_path, errno);
  bpf_map__set_max_entries(bpf_object__find_map_by_name(object_, "ring"), ring_bytes);
  limits_ = {kWakeupBytes, kernel_version().before(kTakesLongLoops) ? kFewChunks : TAP_MAX_CHUNKS, 0};
  if (bpf_map__set_initial_value(bpf_object__find_map_by_name(object_, ".rodata"), &limits_, sizeof(limits_)) != 0)
    refuse("cannot set the limits of the programs", errno);
  leave_out_cgroups_where_unknown();
  leave_out_uprobes(object_);
  if (int error = bpf_object__load(object_)) refuse("the kernel refuses the programs", -error, log.tail());
  auto program = [&](const char* name) {
    return bpf_program__fd(bpf_object__find_program_by_name(object_, name));
  };
  auto map = [&](const char* name) { return bpf_object__find_map_fd_by_name(object_, name); };
  on_interface_ = {program("tap_from_pod"), program("tap_to_pod")};
  on_qdisc_ = {program("tap_from_qdisc"), program("tap_to_qdisc")};
  on_packet_socket_ = program("tap_packet");
  on_cgroup_ = {{program("tap_from_socket"), program("tap_to_socket")},
                program("tap_socket"),
                {program("dial_v4"), program("dial_v6")}};
  ring_ = map("ring");
  counters_ = map("counters");
  settings_ = map("settings");
  verdicts_.open(object_);
  cgroups_ = map("cgroups");
  heartbeat_ = map("heartbeat");
}

void Tap::leave_out_cgroups_where_unknown() {
  if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_CGROUP_SKB, nullptr) != 0) return;
  for (const char* name : {"tap_from_socket", "tap_to_socket", "tap_socket", "dial_v4", "dial_v6"})
    bpf_program__set_autoload(bpf_object__find_program_by_name(object_, name), false);
  for (const char* name : {"cgroups", "opened", "dialed"})
    bpf_map__set_autocreate(bpf_object__find_map_by_name(object_, name), false);
}

void Tap::map_ring(u32 ring_bytes) {
  page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  ring_bytes_ = ring_bytes;
  void* consumer = mmap(nullptr, page_, PROT_READ | PROT_WRITE, MAP_SHARED, ring_, 0);
  if (consumer == MAP_FAILED) refuse("cannot map the ring", errno);
  consumer_ = static_cast<unsigned long*>(consumer);
  // The kernel offers the data twice in a row, so that no record is ever split. Of the second time
  // only what the longest record needs is mapped: each page counts as resident memory again.
  size_t overhang = (BPF_RINGBUF_HDR_SZ + sizeof(tap_record) + TAP_CHUNK + page_ - 1) / page_ * page_;
  producer_bytes_ = page_ + ring_bytes_ + std::min<size_t>(overhang, ring_bytes_);
  void* producer = mmap(nullptr, producer_bytes_, PROT_READ, MAP_SHARED, ring_,
                        static_cast<off_t>(page_));
  if (producer == MAP_FAILED) refuse("cannot map the ring", errno);
  producer_ = static_cast<unsigned long*>(producer);
  data_ = static_cast<u8*>(producer) + page_;
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  // Edge-triggered: only a wakeup of the kernel program counts, not that something lies there.
  event.events = EPOLLIN | EPOLLET;
  if (epoll_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, ring_, &event) != 0)
    refuse("cannot wait for the ring", errno);
}

std::unique_ptr<CapturePoint> Tap::attach_to_interface(u32 ifindex, const std::string& rung) {
  if (rung == "tcx") return attach_by_tcx(on_interface_, ifindex);
  if (rung == "packet") return attach_by_packet_socket(on_packet_socket_, ifindex);
  outlived_ = true;
  beat();
  return attach_by_clsact(on_qdisc_, ifindex);
}

// The first rung that can be had. What keeps the first one from it is what is told: those below it lack more.
std::unique_ptr<CapturePoint> Tap::attach_to_interface(u32 ifindex) {
  std::optional<Unavailable> first;
  for (const std::string& rung : rungs_) {
    try {
      return attach_to_interface(ifindex, rung);
    } catch (const Unavailable& missing) {
      if (!first) first = missing;
    }
  }
  throw first.value();
}

const Tap::Attached& Tap::attach(u32 point, const std::string& cgroup) {
  auto known = points_.find(point);
  if (known != points_.end()) return known->second;
  if (point >= TAP_FIRST_CGROUP && on_cgroup_.sockets < 0)
    throw Unavailable("this kernel has no programs on cgroups (CONFIG_CGROUP_BPF)");
  auto made = point < TAP_FIRST_CGROUP ? attach_to_interface(point)
                                       : attach_to_cgroup(on_cgroup_, cgroups_, cgroup, point);
  return points_[point] = {std::move(made), clock_ns(CLOCK_MONOTONIC), {}, 0};
}

void Tap::beat() {
  if (!outlived_) return;
  u32 zero = 0;
  u64 now = clock_ns(CLOCK_MONOTONIC);
  if (now < beaten_ns_ + kBeatNs) return;
  beaten_ns_ = now;
  bpf_map_update_elem(heartbeat_, &zero, &now, BPF_ANY);
}

void Tap::detach(u32 point) {
  if (uprobes_) uprobes_->unwatch(point);
  points_.erase(point);
}

void Tap::attach_process(u32 process, u32 point, const std::string& cgroup, const std::string& file) {
  if (!uprobes_)
    uprobes_ = std::make_unique<Uprobes>(object_path_, object_, limits_, !kernel_version().before(kLetsGoTogether));
  if (!cgroup.empty()) uprobes_->watch(point, cgroup);
  uprobes_->attach(process, point, file);
}

void Tap::detach_process(u32 process) {
  if (uprobes_) uprobes_->detach(process);
}

void Tap::look_after() {
  u64 now = clock_ns(CLOCK_MONOTONIC);
  if (now < looked_ns_ + kLookNs) return;
  looked_ns_ = now;
  Ancestors ancestors;
  for (auto& [number, attached] : points_) {
    attached.point->look_after(ancestors);
    if (!attached.point->attached()) {
      try {
        // Never two at one chain, which the kernel refuses.
        attached.point->detach();
        attached.point = attach_to_interface(number);
        reattached_++;
      } catch (const Unavailable&) {
        // The interface has gone, and who attached it will notice.
        continue;
      }
    }
    std::vector<u32> before = attached.point->overtaken_by();
    attached.looks = before == attached.before ? attached.looks + 1 : 0;
    attached.before = std::move(before);
  }
}

void Tap::set_ports(const tap_settings& settings) {
  u32 zero = 0;
  if (bpf_map_update_elem(settings_, &zero, &settings, BPF_ANY) != 0)
    refuse("cannot set the ports", errno);
  if (std::memcmp(&ports_, &settings, sizeof(ports_)) == 0) return;
  ports_ = settings;
  ports_since_ns_ = clock_ns(CLOCK_MONOTONIC);
}

WireCounters Tap::counters() const {
  WireCounters sum{};
  int cpus = libbpf_num_possible_cpus();
  std::vector<tap_counters> each(static_cast<size_t>(cpus > 0 ? cpus : 1));
  u32 zero = 0;
  if (bpf_map_lookup_elem(counters_, &zero, each.data()) != 0) return sum;
  for (const tap_counters& one : each) {
    sum.segments += one.segments;
    sum.payload_bytes += one.payload_bytes;
    sum.tls_bytes += one.tls_bytes;
    for (int i = 0; i < TAP_CAUSES; i++) {
      sum.lost_segments[i] += one.lost_segments[i];
      sum.lost_bytes[i] += one.lost_bytes[i];
    }
    sum.heads_alone += one.heads_alone;
    sum.lost_sockets += one.lost_sockets;
    for (int i = 0; i < TAP_OTHERS; i++) sum.others[i] += one.others[i];
    for (int i = 0; i < TAP_REASONS; i++) {
      sum.skipped[i].segments += one.skipped[i].segments;
      sum.skipped[i].bytes += one.skipped[i].bytes;
    }
  }
  for (const tap_skipped& one : sum.skipped) {
    sum.segments += one.segments;
    sum.payload_bytes += one.bytes;
  }
  return sum;
}

u64 Tap::deaf_points() const {
  return static_cast<u64>(std::count_if(points_.begin(), points_.end(), [](const auto& one) {
    return one.first >= TAP_FIRST_CGROUP && !one.second.point->hears_sockets();
  }));
}

u64 Tap::run_time_ns() const {
  u64 sum = uprobes_ ? uprobes_->run_time_ns() : 0;
  std::vector<int> programs{on_interface_.from_pod, on_interface_.to_pod,      on_qdisc_.from_pod,
                            on_qdisc_.to_pod,       on_packet_socket_,         on_cgroup_.packets.from_pod,
                            on_cgroup_.packets.to_pod, on_cgroup_.sockets};
  programs.insert(programs.end(), on_cgroup_.connect.begin(), on_cgroup_.connect.end());
  for (int program : programs) {
    bpf_prog_info info{};
    u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(program, &info, &size) == 0) sum += info.run_time_ns;
  }
  return sum;
}

void Tap::wait(int ms) const {
  epoll_event event{};
  epoll_wait(epoll_, &event, 1, ms);
}

// CLOCK_REALTIME may be stepped or slewed, so that it is looked at each second.
u64 Tap::unix_offset() {
  u64 monotonic = clock_ns(CLOCK_MONOTONIC);
  if (offset_at_ns_ == 0 || monotonic - offset_at_ns_ > 1'000'000'000) {
    offset_ns_ = clock_ns(CLOCK_REALTIME) - monotonic;
    offset_at_ns_ = monotonic;
  }
  return offset_ns_;
}

void Tap::note_losses() {
  WireCounters now = counters();
  u64 lost = std::accumulate(std::begin(now.lost_segments), std::end(now.lost_segments), u64{0});
  losses_at_ns_ = clock_ns(CLOCK_MONOTONIC);
  if (lost > lost_segments_) lost_ns_ = losses_at_ns_;
  lost_segments_ = lost;
}

ClosedSocket Tap::to_closed(const tap_closed& told) const {
  ClosedSocket out;
  out.key = key_of(told.record);
  out.opened_ns = told.opened_ns + offset_ns_;
  out.sent = {told.sent_from, told.sent_until};
  out.received = {told.received_from, told.received_until};
  auto point = points_.find(told.record.point);
  u64 whole_from = point == points_.end() ? 0 : point->second.whole_from_ns;
  out.watched_ns = static_cast<i64>(told.opened_ns - std::max(whole_from, ports_since_ns_));
  out.lossy = told.opened_ns <= lost_ns_;
  return out;
}

bool Tap::drain(size_t bytes, const Takers& take) {
  beat();
  u64 offset = unix_offset();
  unsigned long at = *consumer_;
  unsigned long end = __atomic_load_n(producer_, __ATOMIC_ACQUIRE);
  // What was lost before a socket closed was counted before that came to the ring.
  bool losses_known = false;
  if (clock_ns(CLOCK_MONOTONIC) >= losses_at_ns_ + kLossesEveryNs) note_losses(), losses_known = true;
  unsigned long limit = end - at > bytes ? at + bytes : end;
  while (at < limit) {
    u8* slot = data_ + (at & (ring_bytes_ - 1));
    u32 header = __atomic_load_n(reinterpret_cast<u32*>(slot), __ATOMIC_ACQUIRE);
    if (header & BPF_RINGBUF_BUSY_BIT) break;
    u32 length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
    const auto* record = reinterpret_cast<const tap_record*>(slot + BPF_RINGBUF_HDR_SZ);
    if (header & BPF_RINGBUF_DISCARD_BIT) {
      // Nothing came of it.
    } else if (record->direction == TAP_CLOSED) {
      if (!std::exchange(losses_known, true)) note_losses();
      take.closed(to_closed(*reinterpret_cast<const tap_closed*>(record)));
    } else if (record->direction == TAP_DIALED) {
      take.dialed(to_dialed(*reinterpret_cast<const tap_dialed*>(record)));
    } else {
      take_record(*record, offset, take.segment);
    }
    at += (length + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
    __atomic_store_n(consumer_, at, __ATOMIC_RELEASE);
  }
  return at >= end;
}

}  // namespace clover
