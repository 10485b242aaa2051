// The kernel side: loads the programs, attaches them to pods, reads their ring.
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "capture_point.h"
#include "closed_socket.h"
#include "dialed.h"
#include "uprobes.h"
#include "verdicts.h"
#include "wire.h"

struct bpf_object;

namespace clover {

// The kernel side: loads the programs, attaches them, reads the ring and the counters.
class Tap {
 public:
  // `rungs`: ways to an interface ("tcx", "clsact", "packet") in the order in which they are tried. Throws Unavailable.
  Tap(const std::string& object_path, u32 ring_bytes, std::vector<std::string> rungs);
  ~Tap();
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  // A place that is seen, and CLOCK_MONOTONIC in ns from which both directions come up.
  struct Attached {
    std::unique_ptr<CapturePoint> point;
    u64 whole_from_ns = 0;
    std::vector<u32> before{};  // CapturePoint::overtaken_by, as seen last
    u32 looks = 0;            // that have seen the same before
    // Programs that are there to stay: while an agent takes over from this one, its own are before ours.
    std::vector<u32> overtaken_by() const { return looks >= kStays ? before : std::vector<u32>(); }
    static constexpr u32 kStays = 3;
  };
  // `point` is an interface, or a number for `cgroup` from TAP_FIRST_CGROUP on; throws Unavailable.
  const Attached& attach(u32 point, const std::string& cgroup);
  void detach(u32 point);
  // Reads what a process of an attached point says by the TLS library in a file; `cgroup` is empty at an interface. May be called for
  // more files. Throws Unavailable.
  void attach_process(u32 process, u32 point, const std::string& cgroup, const std::string& file);
  void detach_process(u32 process);
  // Tells programs that would outlive this process that it lives.
  void beat();
  // Attaches again what others have detached, and sees who is before us, every few seconds.
  void look_after();
  // How often a point was attached again.
  u64 reattached() const { return reattached_; }
  const std::unordered_map<u32, Attached>& points() const { return points_; }
  // Of a flow: how many packets were not handed up since it is not wanted; 0 where that is not known.
  u32 left_out(const FlowKey& key) const { return verdicts_.left_out(key); }
  void set_ports(const tap_settings& settings);
  WireCounters counters() const;
  // Points at cgroups whose sockets say nothing, for another program keeps ours off.
  u64 deaf_points() const;
  // Bytes that the programs did not hand up, since nobody wanted them: by reason.
  Counts skipped(const WireCounters& counters) const { return verdicts_.skipped(counters); }
  // Tells the programs.
  void tell(const Wish& wish) { verdicts_.tell(wish); }
  u64 run_time_ns() const;
  size_t ring_bytes() const { return ring_bytes_; }
  // Waits until the ring wants to be read, at most `ms`.
  void wait(int ms) const;
  // Reads up to `bytes` of the ring; true where it was read up to what was there at the call.
  struct Takers {
    std::function<void(const Segment&)> segment;
    std::function<void(const ClosedSocket&)> closed;
    std::function<void(const Dialed&)> dialed;
  };
  bool drain(size_t bytes, const Takers& take);

 private:
  void load(const std::string& object_path, u32 ring_bytes);
  std::unique_ptr<CapturePoint> attach_to_interface(u32 ifindex);
  std::unique_ptr<CapturePoint> attach_to_interface(u32 ifindex, const std::string& rung);
  void leave_out_cgroups_where_unknown();
  void map_ring(u32 ring_bytes);
  // Looks whether segments were lost since it looked last.
  void note_losses();
  ClosedSocket to_closed(const tap_closed& told) const;
  void release();
  u64 unix_offset();

  bpf_object* object_ = nullptr;
  std::string object_path_;
  std::vector<std::string> rungs_;
  ProgramPair on_interface_, on_qdisc_;
  CgroupPrograms on_cgroup_;
  int on_packet_socket_ = -1, heartbeat_ = -1;
  bool outlived_ = false;
  u64 beaten_ns_ = 0, looked_ns_ = 0;
  u64 reattached_ = 0;
  int ring_ = -1, counters_ = -1, settings_ = -1, cgroups_ = -1, epoll_ = -1;
  size_t ring_bytes_ = 0, page_ = 0, producer_bytes_ = 0;
  unsigned long* consumer_ = nullptr;
  unsigned long* producer_ = nullptr;
  u8* data_ = nullptr;
  u64 offset_ns_ = 0, offset_at_ns_ = 0;
  // CLOCK_MONOTONIC: when the ports were changed, when losses were looked for, and when some were found.
  u64 ports_since_ns_ = 0, losses_at_ns_ = 0, lost_ns_ = 0;
  u64 lost_segments_ = 0;
  tap_settings ports_{};
  std::unordered_map<u32, Attached> points_;
  Verdicts verdicts_;
  tap_limits limits_{};
  std::unique_ptr<Uprobes> uprobes_;  // from the first process on
};

}  // namespace clover
