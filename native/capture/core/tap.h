// The kernel side: loads the programs, attaches them by tcx links, reads their ring.
#pragma once

#include <functional>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "wire.h"

struct bpf_object;

namespace clover {

// Says what is missing, in words for an operator.
struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The kernel side: loads the programs, attaches them to interfaces, reads the ring and the counters.
class Tap {
 public:
  // Throws Unavailable.
  Tap(const std::string& object_path, u32 ring_bytes);
  ~Tap();
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  // CLOCK_MONOTONIC in ns from which both directions come up; throws Unavailable.
  u64 attach(u32 ifindex);
  void detach(u32 ifindex);
  void set_ports(const tap_settings& settings);
  WireCounters counters() const;
  // Bytes that the programs did not hand up, since nobody wanted them: by reason.
  Counts skipped(const WireCounters& counters) const;
  // Tells the programs. What they forget of it, they hand up.
  void tell(const Wish& wish);
  u64 run_time_ns() const;
  size_t ring_bytes() const { return ring_bytes_; }
  // Waits until the ring wants to be read, at most `ms`.
  void wait(int ms) const;
  // Reads up to `bytes` of the ring; true where it was read up to what was there at the call.
  bool drain(size_t bytes, const std::function<void(const Segment&)>& take);

 private:
  struct Links {
    int ingress;
    int egress;
    u64 whole_from_ns;
  };
  void load(const std::string& object_path, u32 ring_bytes);
  void map_ring(u32 ring_bytes);
  void release();
  u64 unix_offset();

  bpf_object* object_ = nullptr;
  int from_pod_ = -1, to_pod_ = -1, ring_ = -1, counters_ = -1, settings_ = -1, verdicts_ = -1, epoll_ = -1;
  size_t ring_bytes_ = 0, page_ = 0, producer_bytes_ = 0;
  unsigned long* consumer_ = nullptr;
  unsigned long* producer_ = nullptr;
  u8* data_ = nullptr;
  u64 offset_ns_ = 0, offset_at_ns_ = 0;
  std::unordered_map<u32, Links> links_;
  std::vector<std::string> reasons_{""};  // by tap_verdict.reason
};

}  // namespace clover
