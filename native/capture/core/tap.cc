#include "tap.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <vector>

namespace clover {
namespace {

// Newer than Debian 12's linux/bpf.h.
constexpr u32 kTcxIngress = 46, kTcxEgress = 47;
constexpr u32 kBefore = 1u << 3;
constexpr int kMinMajor = 6, kMinMinor = 6;

struct LinkCreate {
  u32 prog_fd, target_ifindex, attach_type, flags;
  u32 relative_fd, reserved;
  u64 expected_revision;
};
static_assert(sizeof(LinkCreate) == 32, "as bpf(2) has it");

// BPF_F_BEFORE without a relative is the head of the chain: others' programs still run after ours.
int link_tcx(int program, u32 ifindex, u32 type) {
  LinkCreate request{static_cast<u32>(program), ifindex, type, kBefore, 0, 0, 0};
  return static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &request, sizeof(request)));
}

[[noreturn]] void refuse(const std::string& what, int error) {
  std::string why = std::strerror(error);
  if (error == EPERM || error == EACCES)
    why += "; needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON";
  throw Unavailable(what + ": " + why);
}

void check_kernel() {
  utsname name{};
  int major = 0, minor = 0;
  uname(&name);
  if (std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return;
  if (major > kMinMajor || (major == kMinMajor && minor >= kMinMinor)) return;
  throw Unavailable(std::string("tcx needs Linux 6.6 or newer, this is ") + name.release);
}

// The verifier gives up with EAGAIN where a signal waits for the thread that loads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

u64 clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

Segment to_segment(const tap_record& record, u64 offset_ns) {
  Segment out;
  out.ifindex = record.ifindex;
  out.to_pod = record.direction == TAP_TO_POD;
  out.time_ns = record.time_ns + offset_ns;
  out.monotonic_ns = record.time_ns;
  std::memcpy(out.source.data(), record.source, 16);
  std::memcpy(out.destination.data(), record.destination, 16);
  out.source_port = record.source_port;
  out.destination_port = record.destination_port;
  out.flags = record.tcp_flags;
  // A SYN flag on a later piece of one segment would not say what it means.
  if (record.chunk_offset > 0) out.flags &= static_cast<u8>(~kSyn);
  out.seq = record.seq + record.chunk_offset + (record.tcp_flags & kSyn ? 1 : 0);
  out.ack = record.ack;
  out.unwanted = record.chunk_length == 0 && record.payload_length > 0;
  out.last = out.unwanted || record.chunk_offset + record.chunk_length >= record.payload_length;
  if (out.unwanted) out.missing = record.payload_length;
  if (!out.last) out.flags &= static_cast<u8>(~(kFin | kRst));
  out.data = reinterpret_cast<const u8*>(&record + 1);
  out.length = record.chunk_length;
  return out;
}

// Datagrams are cut apart here; of one that is longer than a record its end is missing.
void take_record(const tap_record& record, u64 offset_ns, const std::function<void(const Segment&)>& take) {
  Segment out = to_segment(record, offset_ns);
  u32 each = record.datagram_length;
  if (each == 0) return take(out);
  out.datagram = true;
  out.flags = 0;
  const u8* first = out.data;
  u32 rest = record.payload_length - record.chunk_offset;
  for (u32 at = 0; at < record.chunk_length; at += each) {
    u32 size = std::min(each, rest - at);
    out.data = first + at;
    out.length = std::min(size, record.chunk_length - at);
    out.missing = size - out.length;
    take(out);
  }
}

tap_flow flow_of(const FlowKey& key) {
  tap_flow flow{};
  flow.ifindex = key.ifindex;
  std::memcpy(flow.pod, key.pod.data(), sizeof(flow.pod));
  std::memcpy(flow.peer, key.peer.data(), sizeof(flow.peer));
  flow.pod_port = key.pod_port;
  flow.peer_port = key.peer_port;
  flow.datagrams = key.datagram;
  return flow;
}

}  // namespace

Tap::Tap(const std::string& object_path, u32 ring_bytes) {
  check_kernel();
  libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; });
  try {
    load(object_path, ring_bytes);
    map_ring(ring_bytes);
  } catch (...) {
    release();
    throw;
  }
}

Tap::~Tap() { release(); }

void Tap::release() {
  while (!links_.empty()) detach(links_.begin()->first);
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
  object_ = bpf_object__open_file(object_path.c_str(), nullptr);
  if (object_ == nullptr) refuse("cannot open " + object_path, errno);
  bpf_map__set_max_entries(bpf_object__find_map_by_name(object_, "ring"), ring_bytes);
  if (int error = bpf_object__load(object_)) refuse("the kernel refuses the programs", -error);
  auto program = [&](const char* name) {
    return bpf_program__fd(bpf_object__find_program_by_name(object_, name));
  };
  auto map = [&](const char* name) { return bpf_object__find_map_fd_by_name(object_, name); };
  from_pod_ = program("tap_from_pod");
  to_pod_ = program("tap_to_pod");
  ring_ = map("ring");
  counters_ = map("counters");
  settings_ = map("settings");
  verdicts_ = map("verdicts");
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

u64 Tap::attach(u32 ifindex) {
  auto known = links_.find(ifindex);
  if (known != links_.end()) return known->second.whole_from_ns;
  int ingress = link_tcx(from_pod_, ifindex, kTcxIngress);
  if (ingress < 0) refuse("cannot attach to interface " + std::to_string(ifindex), errno);
  int egress = link_tcx(to_pod_, ifindex, kTcxEgress);
  if (egress < 0) {
    int error = errno;
    close(ingress);
    refuse("cannot attach to interface " + std::to_string(ifindex), error);
  }
  u64 whole_from_ns = clock_ns(CLOCK_MONOTONIC);
  links_[ifindex] = {ingress, egress, whole_from_ns};
  return whole_from_ns;
}

void Tap::detach(u32 ifindex) {
  auto found = links_.find(ifindex);
  if (found == links_.end()) return;
  close(found->second.ingress);
  close(found->second.egress);
  links_.erase(found);
}

void Tap::set_ports(const tap_settings& settings) {
  u32 zero = 0;
  if (bpf_map_update_elem(settings_, &zero, &settings, BPF_ANY) != 0)
    refuse("cannot set the ports", errno);
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
    for (int i = 0; i < TAP_CAUSES; i++) {
      sum.lost_segments[i] += one.lost_segments[i];
      sum.lost_bytes[i] += one.lost_bytes[i];
    }
    sum.unwanted_segments += one.unwanted_segments;
    for (int i = 0; i < TAP_REASONS; i++) sum.skipped_bytes[i] += one.skipped_bytes[i];
  }
  return sum;
}

Counts Tap::skipped(const WireCounters& counters) const {
  Counts by_reason;
  for (size_t i = 1; i < reasons_.size(); i++) add(by_reason, reasons_[i], counters.skipped_bytes[i]);
  return by_reason;
}

void Tap::tell(const Wish& wish) {
  tap_flow flow = flow_of(wish.key);
  tap_verdict verdict{};
  if (wish.kind == Wish::Kind::all) {
    bpf_map_delete_elem(verdicts_, &flow);
    return;
  }
  if (wish.kind == Wish::Kind::range) {
    // The other stream's range stays.
    if (bpf_map_lookup_elem(verdicts_, &flow, &verdict) == 0 && verdict.reason > 0) return;
    verdict.from[wish.to_pod] = wish.from;
    verdict.until[wish.to_pod] = wish.until;
  } else {
    auto known = std::find(reasons_.begin(), reasons_.end(), wish.reason);
    if (known == reasons_.end() && reasons_.size() == TAP_REASONS) return;
    verdict.reason = static_cast<u32>(known - reasons_.begin());
    if (known == reasons_.end()) reasons_.emplace_back(wish.reason);
    verdict.seen_ns = clock_ns(CLOCK_MONOTONIC);
  }
  bpf_map_update_elem(verdicts_, &flow, &verdict, BPF_ANY);
}

u64 Tap::run_time_ns() const {
  u64 sum = 0;
  for (int program : {from_pod_, to_pod_}) {
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

bool Tap::drain(size_t bytes, const std::function<void(const Segment&)>& take) {
  u64 offset = unix_offset();
  unsigned long at = *consumer_;
  unsigned long end = __atomic_load_n(producer_, __ATOMIC_ACQUIRE);
  unsigned long limit = end - at > bytes ? at + bytes : end;
  while (at < limit) {
    u8* slot = data_ + (at & (ring_bytes_ - 1));
    u32 header = __atomic_load_n(reinterpret_cast<u32*>(slot), __ATOMIC_ACQUIRE);
    if (header & BPF_RINGBUF_BUSY_BIT) break;
    u32 length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
    if (!(header & BPF_RINGBUF_DISCARD_BIT))
      take_record(*reinterpret_cast<const tap_record*>(slot + BPF_RINGBUF_HDR_SZ), offset, take);
    at += (length + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
    __atomic_store_n(consumer_, at, __ATOMIC_RELEASE);
  }
  return at >= end;
}

}  // namespace clover
