#include "recording.h"

namespace clover {
namespace {

// All of a file is of one interface: whatever it was captured at, it is one network, and a packet that passed
// several interfaces of it is one packet.
constexpr u32 kInterface = 1;
// Finished batches wait until JavaScript takes them: so many at most before it has to.
constexpr size_t kMaxBatches = 8;
// Timeouts need no better clock.
constexpr u64 kStep = 10'000'000;
// By so much files have packets out of order, that were taken by several CPUs.
constexpr u64 kDisorder = 1'000'000'000;

}  // namespace

Recording::Recording(Session& session) : session_(session) { session_.attach(kInterface, {}); }

void Recording::packet(const Packet& packet) {
  packets_++;
  clock_ns_ = std::max(clock_ns_, packet.time_ns);
  session_.tick(clock_ns_);
  if (clock_ns_ >= advanced_ns_ + kStep) {
    advanced_ns_ = clock_ns_;
    session_.drained_until(clock_ns_ > kDisorder ? clock_ns_ - kDisorder : 0);
    session_.advance(clock_ns_);
  }
  Segment segment;
  bool found = read_packet(packet, fragments_, wire_, segment);
  note_losses();
  if (!found) return;
  segment.ifindex = kInterface;
  segment.time_ns = segment.monotonic_ns = packet.time_ns;
  if (segment.datagram && copies_.has(segment)) {
    session_.ledger.received += segment.size();
    add(session_.ledger.skipped, "duplicate", segment.size());
    return;
  }
  session_.undirected(segment);
}

void Recording::note_losses() {
  auto [parts, incomplete, overlap, cut, duplicate] = fragments_.take_losses();
  u64 all = incomplete + overlap + cut + duplicate;
  if (all == 0) return;
  wire_.lost_segments[TAP_FRAGMENT] += parts;
  wire_.payload_bytes += all;
  session_.ledger.received += all;
  add(session_.ledger.lost, "fragment", incomplete);
  add(session_.ledger.lost, "fragment_overlap", overlap);
  add(session_.ledger.lost, "snaplen", cut);
  add(session_.ledger.skipped, "duplicate", duplicate);
}

size_t Recording::feed(const u8* data, size_t size) {
  if (over_) return size;
  reader_.feed(data, size);
  while (session_.batches.size() < kMaxBatches) {
    auto next = reader_.next();
    if (!next) return size;
    packet(*next);
  }
  return size - reader_.give_back();
}

void Recording::end() {
  if (over_) return;
  over_ = true;
  reader_.feed(nullptr, 0);
  reader_.end();
  while (auto last = reader_.next()) packet(*last);
  fragments_.clear();
  note_losses();
  session_.drained_until(clock_ns_);
  session_.end_recording();
  session_.close_batch();
}

}  // namespace clover
