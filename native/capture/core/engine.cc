#include "engine.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace clover {
namespace {

constexpr size_t kDrainBytes = 2 * 1024 * 1024;  // per holding of the lock
constexpr int kShortWaitMs = 4, kLongWaitMs = 16;
// So much in a short wait is worth another one: what nobody wants is told to the kernel the sooner.
constexpr u64 kBusyBytes = 128 * 1024;
// A program on another CPU may have taken its time and not its slot yet.
constexpr u64 kInFlightNs = 5'000'000;

u64 unix_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

}  // namespace

Engine::Engine(const Settings& settings) : session_(settings) { ports_.all_ports = 1; }

Engine::Engine(const Settings& settings, const std::string& object_path, u32 ring_bytes,
               std::vector<std::string> rungs, std::function<void()> notify)
    : session_(settings),
      tap_(std::make_unique<Tap>(object_path, ring_bytes, std::move(rungs))),
      notify_(std::move(notify)) {
  ports_.all_ports = 1;
  tap_->set_ports(ports_);
  session_.set_wishing([this](const FlowKey& key) { return tap_->left_out(key); });
  thread_ = std::thread([this] { run(); });
}

Engine::~Engine() { close(); }

void Engine::run() {
  // Losses begin when this thread is late; without the right to, it runs at its normal priority.
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), -10);
  int wait_ms = kShortWaitMs;
  while (!stop_.load(std::memory_order_relaxed)) {
    tap_->wait(wait_ms);
    bool all = false, waiting = false;
    u64 came = 0;
    while (!all && !stop_.load(std::memory_order_relaxed)) {
      std::lock_guard<std::mutex> lock(mutex_);
      u64 before = session_.ledger.received;
      all = drain(kDrainBytes);
      waiting = !session_.batches.empty();
      if (session_.ledger.received == before) break;
      came += session_.ledger.received - before;
    }
    wait_ms = came < kBusyBytes ? std::min(wait_ms * 2, kLongWaitMs) : kShortWaitMs;
    if (waiting) notify_();
  }
}

bool Engine::drain(size_t bytes) {
  u64 now = unix_ns();
  if (now < held_until_ns_) {
    tap_->beat();
    return true;
  }
  // First the clock, so that arrivals are stamped with it; then what fell due by it.
  session_.tick(now);
  bool all = tap_->drain(bytes, {[this](const Segment& segment) { session_.segment(segment); },
                                 [this](const ClosedSocket& socket) { session_.closed(socket); },
                                 [this](const Dialed& dialed) { session_.dialed(dialed); }});
  if (all) session_.drained_until(now - kInFlightNs);
  session_.advance(now);
  tap_->look_after();
  for (const Wish& wish : session_.wishes) tap_->tell(wish);
  session_.wishes.clear();
  return all;
}

void Engine::catch_up() {
  if (!tap_ || closed_) return;
  // One full ring at most: traffic may come faster than it is read, and what came later may wait.
  for (size_t left = tap_->ring_bytes(); !drain(kDrainBytes) && left > kDrainBytes;)
    left -= kDrainBytes;
}

u32 Engine::point_of(const std::string& cgroup) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto known = std::find_if(cgroups_.begin(), cgroups_.end(), [&](const auto& one) { return one.second == cgroup; });
  if (known != cgroups_.end()) return known->first;
  cgroups_[next_cgroup_] = cgroup;
  return next_cgroup_++;
}

const std::string* Engine::cgroup_of(u32 point) const {
  auto found = cgroups_.find(point);
  return found == cgroups_.end() ? nullptr : &found->second;
}

const char* Engine::attach(u32 point, const Identity& identity, const Sampling& sampling,
                           const Selection& selection) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!tap_) {
    session_.attach(point, identity, 0, sampling, selection);
    return "replay";
  }
  const std::string* cgroup = cgroup_of(point);
  const auto& attached = tap_->attach(point, cgroup == nullptr ? "" : *cgroup);
  session_.attach(point, identity, attached.whole_from_ns, sampling, selection);
  session_.set_place(point, attached.point->place());
  return attached.point->kind();
}

void Engine::detach(u32 point) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (tap_) tap_->detach(point);
  catch_up();
  session_.detach(point);
  cgroups_.erase(point);
}

void Engine::attach_process(u32 process, u32 point, const std::string& file) {
  // Without the lock, as the thread has nothing to do with it: it takes some 100 ms.
  const std::string* cgroup = cgroup_of(point);
  if (tap_) tap_->attach_process(process, point, cgroup == nullptr ? "" : *cgroup, file);
}

void Engine::detach_process(u32 process) {
  if (tap_) tap_->detach_process(process);
  std::lock_guard<std::mutex> lock(mutex_);
  catch_up();
  session_.end_process(process);
}

void Engine::set_ports(const std::vector<u16>& ports) {
  std::lock_guard<std::mutex> lock(mutex_);
  ports_ = tap_settings{};
  ports_.all_ports = ports.empty();
  for (u16 port : ports) ports_.ports[port >> 6] |= 1ULL << (port & 63);
  if (tap_) tap_->set_ports(ports_);
  catch_up();
  session_.set_ports(ports_);
}

void Engine::set_window(const Window& window) {
  std::lock_guard<std::mutex> lock(mutex_);
  held_until_ns_ = 0;
  session_.set_window(window);
}

std::string Engine::hand_over() {
  return inspect([](Session& session) { return session.hand_over(); });
}

void Engine::hold(u64 ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  // What came before is read by the window that it came in: once something is taken over, there may be another one.
  held_until_ns_ = 0;
  catch_up();
  held_until_ns_ = unix_ns() + ms * 1'000'000;
}

void Engine::take_over(std::string_view state) {
  std::lock_guard<std::mutex> lock(mutex_);
  // What is held is of the window that is set next.
  if (!state.empty()) session_.take_over(state);
}

std::string Engine::hand_over_requests() {
  return inspect([](Session& session) { return session.hand_over_requests(); });
}

void Engine::take_over_requests(std::string_view requests) {
  std::lock_guard<std::mutex> lock(mutex_);
  held_until_ns_ = 0;
  session_.take_over_requests(requests);
}

void Engine::frame(u32 ifindex, bool to_pod, u64 time_ns, const u8* data, size_t size) {
  if (closed_) return;
  Segment segment;
  advance(time_ns);
  if (!read_frame(data, size, ports_, replayed_, segment)) return;
  segment.ifindex = ifindex;
  segment.to_pod = to_pod;
  segment.time_ns = segment.monotonic_ns = time_ns;
  session_.segment(segment);
}

Recording& Engine::whole_recording() {
  if (recording_ == nullptr) recording_ = std::make_unique<Recording>(session_);
  return *recording_;
}

size_t Engine::file(const u8* data, size_t size) {
  return closed_ ? size : whole_recording().feed(data, size);
}

void Engine::end_file() {
  if (!closed_) whole_recording().end();
}

void Engine::advance(u64 time_ns) {
  clock_ns_ = std::max(clock_ns_, time_ns);
  session_.drained_until(clock_ns_);
  session_.advance(clock_ns_);
}

void Engine::flush() {
  std::lock_guard<std::mutex> lock(mutex_);
  catch_up();
  session_.close_batch();
}

void Engine::close() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return;
  held_until_ns_ = 0;
  catch_up();
  session_.detach_all();
  session_.close_batch();
  if (tap_) {
    last_wire_ = tap_->counters();
    last_skipped_ = tap_->skipped(last_wire_);
    kernel_ns_ = tap_->run_time_ns();
  }
  closed_ = true;
  tap_.reset();
}

u64 Engine::kernel_ns() {
  std::lock_guard<std::mutex> lock(mutex_);
  return tap_ ? tap_->run_time_ns() : kernel_ns_;
}

std::map<u32, std::vector<u32>> Engine::overtaken() {
  std::lock_guard<std::mutex> lock(mutex_);
  std::map<u32, std::vector<u32>> found;
  if (!tap_) return found;
  for (const auto& [point, attached] : tap_->points())
    if (auto programs = attached.overtaken_by(); !programs.empty()) found[point] = std::move(programs);
  return found;
}

std::deque<Batch> Engine::take_batches() {
  std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(session_.batches, {});
}

Engine::FullLedger Engine::ledger() {
  std::lock_guard<std::mutex> lock(mutex_);
  catch_up();
  WireCounters wire = tap_ ? tap_->counters() : notify_ ? last_wire_ : recording_ ? recording_->wire() : replayed_;
  Ledger core = session_.ledger;
  u64 kept_back = 0;
  for (int i = 0; i < TAP_CAUSES; i++) {
    kept_back += wire.lost_bytes[i];
    add(core.lost, cause_name(i), wire.lost_bytes[i]);
  }
  for (const auto& [reason, bytes] : tap_ ? tap_->skipped(wire) : last_skipped_) {
    kept_back += bytes;
    add(core.skipped, reason, bytes);
  }
  add(core.sockets.uncompared, "ring_full", wire.lost_sockets);
  core.sockets.deaf_points = tap_ ? tap_->deaf_points() : 0;
  // What the kernel counted and has not handed up yet lies in the ring.
  if (wire.payload_bytes > core.received + kept_back)
    core.pending += wire.payload_bytes - core.received - kept_back;
  return {core, wire, tap_ ? tap_->reattached() : 0};
}

}  // namespace clover
