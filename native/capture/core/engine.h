// A session with its source: the kernel's ring read by a thread, or frames given by hand.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

#include "recording.h"
#include "tap.h"

namespace clover {

// The thread around a session: feeds it from the ring, closes batches, answers questions.
class Engine {
 public:
  // A replay.
  explicit Engine(const Settings& settings);
  // A capture; `notify` is called on the engine's thread when batches wait. `rungs`: Tap. Throws Unavailable.
  Engine(const Settings& settings, const std::string& object_path, u32 ring_bytes, std::vector<std::string> rungs,
         std::function<void()> notify);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // A point is an interface, by its index, or the number that a cgroup has here.
  u32 point_of(const std::string& cgroup);
  // Null for an interface. To be called from within inspect() and glance().
  const std::string* cgroup_of(u32 point) const;
  // By which kind of point (CapturePointKind of types.ts); throws Unavailable.
  const char* attach(u32 point, const Identity& identity, const Sampling& sampling,
                     const Selection& selection);
  void detach(u32 point);
  // Tap::attach_process; does nothing in a replay. These two are for the thread that closes.
  void attach_process(u32 process, u32 point, const std::string& file);
  // What is open of a process is over: it has ended, or its sessions are not read any more.
  void detach_process(u32 process);
  void set_ports(const std::vector<u16>& ports);
  // Ends hold(), as take_over_requests() does.
  void set_window(const Window& window);
  // Session::hand_over, up to date with the ring.
  std::string hand_over();
  // Leaves what comes in the ring for `ms` at most: a predecessor is asked for its state, which has to be of a later time than what is
  // read here.
  void hold(u64 ms);
  // Session::take_over. What is held is of the window that is set behind it.
  void take_over(std::string_view state);
  // Session::hand_over_requests, up to date with the ring, and take_over_requests.
  std::string hand_over_requests();
  void take_over_requests(std::string_view requests);
  void frame(u32 ifindex, bool to_pod, u64 time_ns, const u8* data, size_t size);
  void advance(u64 time_ns);
  // A replay of a capture file: Recording::feed and end.
  size_t file(const u8* data, size_t size);
  void end_file();
  const Recording& recording() { return whole_recording(); }
  // Reads what the kernel has now and closes the open batch.
  void flush();
  void close();
  u64 kernel_ns();
  // Points with programs of others that have their say before ours: their ids.
  std::map<u32, std::vector<u32>> overtaken();
  std::deque<Batch> take_batches();

  struct FullLedger {
    Ledger core;
    WireCounters wire;
    u64 reattached = 0;  // points that somebody else had detached
  };
  FullLedger ledger();
  // Calls `view` with the session under the lock, up to date with the ring.
  template <typename F>
  auto inspect(F view) {
    std::lock_guard<std::mutex> lock(mutex_);
    catch_up();
    return view(session_);
  }
  // The same as it stands, which costs nothing.
  template <typename F>
  auto glance(F view) {
    std::lock_guard<std::mutex> lock(mutex_);
    return view(session_);
  }

 private:
  Recording& whole_recording();
  void run();
  bool drain(size_t bytes);
  void catch_up();

  std::mutex mutex_;
  Session session_;
  std::unique_ptr<Tap> tap_;
  std::unordered_map<u32, std::string> cgroups_;
  u32 next_cgroup_ = TAP_FIRST_CGROUP;
  std::unique_ptr<Recording> recording_;
  std::function<void()> notify_;
  tap_settings ports_{};
  WireCounters replayed_{};
  WireCounters last_wire_{};
  Counts last_skipped_;
  u64 clock_ns_ = 0;
  u64 held_until_ns_ = 0;
  u64 kernel_ns_ = 0;
  bool closed_ = false;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace clover
