#include "verdicts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <time.h>

#include <algorithm>

namespace clover {
namespace {

// A map, and a flow's key in it.
struct Place {
  int map = -1;
  tap_flow4 v4{};
  tap_flow v6{};
  bool is_v4 = false;
  const void* key() const { return is_v4 ? static_cast<const void*>(&v4) : &v6; }
};

bool is_v4(const Address& address) {
  static constexpr u8 kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(std::begin(kPrefix), std::end(kPrefix), address.begin());
}

// As the programs choose (wanted.bpf.h).
Place place_of(const FlowKey& key, int v4_map, int v6_map) {
  Place place;
  place.is_v4 = key.session == 0 && is_v4(key.pod) && is_v4(key.peer);
  place.map = place.is_v4 ? v4_map : v6_map;
  tap_flow4& v4 = place.v4;
  v4 = {key.ifindex, 0, 0, key.pod_port, key.peer_port, key.datagram};
  std::memcpy(&v4.pod, key.pod.data() + 12, sizeof(v4.pod));
  std::memcpy(&v4.peer, key.peer.data() + 12, sizeof(v4.peer));
  tap_flow& v6 = place.v6;
  v6.point = key.ifindex;
  if (key.session != 0) {
    v6.datagrams = TAP_SESSION;
    std::memcpy(v6.pod, &key.session, sizeof(key.session));
    return place;
  }
  std::memcpy(v6.pod, key.pod.data(), sizeof(v6.pod));
  std::memcpy(v6.peer, key.peer.data(), sizeof(v6.peer));
  v6.pod_port = key.pod_port;
  v6.peer_port = key.peer_port;
  v6.datagrams = key.datagram;
  return place;
}

u64 monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

}  // namespace

void Verdicts::open(bpf_object* object) {
  v4_ = bpf_object__find_map_fd_by_name(object, "verdicts4");
  v6_ = bpf_object__find_map_fd_by_name(object, "verdicts6");
}

void Verdicts::tell(const Wish& wish) {
  Place place = place_of(wish.key, v4_, v6_);
  tap_verdict verdict{};
  if (wish.kind == Wish::Kind::all) {
    bpf_map_delete_elem(place.map, place.key());
    return;
  }
  if (wish.kind == Wish::Kind::range) {
    // The other stream's range stays.
    if (bpf_map_lookup_elem(place.map, place.key(), &verdict) == 0 && verdict.reason > 0) return;
    verdict.from[wish.to_pod] = wish.from;
    verdict.until[wish.to_pod] = wish.until;
  } else {
    auto known = std::find(reasons_.begin(), reasons_.end(), wish.reason);
    if (known == reasons_.end() && reasons_.size() == TAP_REASONS) return;
    verdict.reason = static_cast<u32>(known - reasons_.begin());
    if (known == reasons_.end()) reasons_.emplace_back(wish.reason);
    verdict.seen_ns = monotonic_ns();
  }
  bpf_map_update_elem(place.map, place.key(), &verdict, BPF_ANY);
}

u32 Verdicts::left_out(const FlowKey& key) const {
  Place place = place_of(key, v4_, v6_);
  tap_verdict verdict{};
  return bpf_map_lookup_elem(place.map, place.key(), &verdict) == 0 ? verdict.left_out : 0;
}

Counts Verdicts::skipped(const WireCounters& counters) const {
  Counts by_reason;
  for (size_t i = 1; i < reasons_.size(); i++) add(by_reason, reasons_[i], counters.skipped[i].bytes);
  return by_reason;
}

}  // namespace clover
