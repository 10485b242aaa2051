#include "fragments.h"

#include <algorithm>

namespace clover {
namespace {

// RFC 8200 gives up after 60 s; Linux after 30 s.
constexpr u64 kPatience = 30'000'000'000;
// Ids of IPv4 come again soon: a packet that is whole is remembered for its copies alone.
constexpr u64 kCopies = 50'000'000;
constexpr size_t kMaxHeld = 8 * 1024 * 1024, kMaxDatagrams = 4096;
// The longest packet has 65,535 bytes, and a fragment 8 at least: but senders do not cut that finely.
constexpr size_t kMaxParts = 256;
constexpr u32 kMaxPayload = 65'535;

}  // namespace

size_t Fragments::KeyHash::operator()(const Key& key) const {
  u64 h = mix(u64{key.id} << 16 | u64{key.protocol} << 1 | u64{key.v6});
  h = mix(h ^ load64(key.source.data())) ^ load64(key.source.data() + 8);
  h = mix(h ^ load64(key.destination.data())) ^ load64(key.destination.data() + 8);
  return mix(h);
}

void Fragments::refuse(Datagram& datagram, u64& cause, size_t more) {
  losses_.parts += datagram.parts.size() + (more > 0);
  cause += datagram.size + more;
  held_ -= datagram.size;
  datagram.size = 0;
  datagram.parts.clear();
  datagram.state = State::refused;
}

void Fragments::forget(Table::iterator at) {
  if (at->second.state == State::open) refuse(at->second, losses_.incomplete, 0);
  table_.erase(at);
}

void Fragments::expire(u64 now_ns) {
  while (!turns_.empty()) {
    auto found = table_.find(turns_.front().key);
    bool current = found != table_.end() && found->second.serial == turns_.front().serial;
    if (current) {
      bool full = table_.size() > kMaxDatagrams || held_ > kMaxHeld || turns_.size() > 4 * kMaxDatagrams;
      if (!full && found->second.since_ns + kPatience > now_ns) return;
      forget(found);
    }
    turns_.pop_front();
  }
}

// False where it overlaps, or lies behind the end.
bool Fragments::insert(Datagram& datagram, const Fragment& fragment) {
  auto length = static_cast<u32>(fragment.payload.length);
  u32 end = fragment.offset + length;
  if (end > kMaxPayload || datagram.parts.size() >= kMaxParts) return false;
  auto at = std::lower_bound(datagram.parts.begin(), datagram.parts.end(), fragment.offset,
                             [](const Part& part, u32 offset) { return part.offset < offset; });
  if (at != datagram.parts.end() && at->offset == fragment.offset && at->bytes.size() == length &&
      std::equal(at->bytes.begin(), at->bytes.end(), fragment.payload.data)) {
    losses_.duplicate += length;
    return true;
  }
  if (at != datagram.parts.end() && at->offset < end) return false;
  if (at != datagram.parts.begin()) {
    const Part& before = *std::prev(at);
    if (before.offset + before.bytes.size() > fragment.offset) return false;
  }
  if (datagram.end != 0 && (end > datagram.end || !fragment.more)) return false;
  if (!fragment.more) {
    if (at != datagram.parts.end()) return false;
    datagram.end = end;
  }
  const u8* data = fragment.payload.data;
  datagram.parts.insert(at, {fragment.offset, std::vector<u8>(data, data + length)});
  datagram.size += length;
  held_ += length;
  return true;
}

Bytes Fragments::add(const Fragment& fragment, u64 time_ns) {
  expire(time_ns);
  size_t length = fragment.payload.length;
  Key key{fragment.source, fragment.destination, fragment.id, fragment.protocol, fragment.v6};
  auto found = table_.find(key);
  if (found != table_.end()) {
    const Datagram& old = found->second;
    u64 patience = old.state == State::open ? kPatience : kCopies;
    if (old.since_ns + patience <= time_ns) {
      forget(found);
      found = table_.end();
    } else if (old.state == State::whole) {
      losses_.duplicate += length;
      return {};
    }
  }
  if (found == table_.end()) {
    found = table_.emplace(key, Datagram{}).first;
    found->second.since_ns = time_ns;
    found->second.serial = ++serial_;
    turns_.push_back({key, serial_});
  }
  Datagram& datagram = found->second;
  // All but the last carry a multiple of 8 bytes, and none is empty.
  bool sound = length > 0 && (!fragment.more || length % 8 == 0);
  if (datagram.state == State::refused || !sound) {
    losses_.parts++;
    (sound ? losses_.overlap : losses_.incomplete) += length;
    return {};
  }
  if (fragment.payload.size < length) {
    refuse(datagram, losses_.cut, length);
    return {};
  }
  if (!insert(datagram, fragment)) {
    refuse(datagram, losses_.overlap, length);
    return {};
  }
  if (datagram.end == 0 || datagram.size != datagram.end) return {};
  whole_.clear();
  for (const Part& part : datagram.parts) whole_.insert(whole_.end(), part.bytes.begin(), part.bytes.end());
  held_ -= datagram.size;
  datagram.size = 0;
  datagram.parts = {};
  datagram.state = State::whole;
  datagram.since_ns = time_ns;
  return {whole_.data(), whole_.size(), whole_.size()};
}

void Fragments::clear() {
  while (!table_.empty()) forget(table_.begin());
  turns_.clear();
}

}  // namespace clover
