#include "copies.h"

namespace clover {
namespace {

constexpr u64 kApart = 5'000'000;
constexpr size_t kMaxSeen = 65'536;

u64 digest_of(const Segment& datagram) {
  u64 h = mix(u64{datagram.source_port} << 48 | u64{datagram.destination_port} << 32 | u64{datagram.packet_id} << 16) ^
          datagram.size();
  for (const Address* address : {&datagram.source, &datagram.destination})
    h = mix(mix(h ^ load64(address->data())) ^ load64(address->data() + 8));
  u32 at = 0;
  for (; at + 8 <= datagram.length; at += 8) h = mix(h ^ load64(datagram.data + at));
  u64 rest = 0;
  std::memcpy(&rest, datagram.data + at, datagram.length - at);
  return mix(h ^ rest);
}

}  // namespace

bool Copies::has(const Segment& datagram) {
  u64 now = datagram.time_ns;
  while (!turns_.empty() && (turns_.size() > kMaxSeen || turns_.front().time_ns + kApart < now)) {
    auto found = times_.find(turns_.front().digest);
    if (found != times_.end() && found->second == turns_.front().time_ns) times_.erase(found);
    turns_.pop_front();
  }
  u64 digest = digest_of(datagram);
  auto [found, fresh] = times_.try_emplace(digest, now);
  u64 last = found->second;
  if (!fresh && (now > last ? now - last : last - now) <= kApart) return true;
  found->second = now;
  turns_.push_back({digest, now});
  return false;
}

}  // namespace clover
