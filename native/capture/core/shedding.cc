// What a session lets go of where its memory is short.
#include "session.h"

namespace clover {
namespace {

// Of one that holds nothing, with its place in the tables.
constexpr size_t kConnectionBytes = 832, kDatagramFlowBytes = 768;
// It is brought down to this share, so that the whole is looked at rarely.
constexpr size_t kOfEighths = 7;
// Less is not worth to start a connection over for.
constexpr size_t kLeastWeight = 4096;
constexpr const char* kCause = "memory";

}  // namespace

size_t Session::memory() const {
  size_t bytes = flows_.size() * kConnectionBytes + datagrams_.size() * kDatagramFlowBytes;
  bytes += pool_.size() * kRequestBytes + held_bytes_ + kept_bytes_;
  // Of bytes that are pending parsers have those that are not held.
  if (ledger.pending > held_length_) bytes += ledger.pending - held_length_;
  for (const Batch& batch : batches) bytes += batch.otlp.size();
  return bytes + spans_.size() + records_.size();
}

// Things go in the order in which they are missed least, and what is counted goes last: bytes that wait for others, most of which
// are of bodies; heads and requests that are not whole, of those who have most; spans that nobody has taken. Then no more connections
// are followed, while those that are still count.
void Session::shed() {
  if (memory() <= settings.memory_bytes) {
    full_ = full_ && memory() > settings.memory_bytes / 8 * kOfEighths;
    return;
  }
  size_t goal = settings.memory_bytes / 8 * kOfEighths;
  // Closed ones are there only for what comes late.
  while (memory() > goal && !graves_.empty()) forget_oldest_grave();
  for (Connection* connection : waiting_)
    while (memory() > goal && !connection->closed() && connection->fill_oldest_hole()) continue;
  settle_waiting();
  shed_heads(goal);
  while (memory() > goal && !batches.empty()) drop_oldest_batch();
  full_ = memory() > goal;
}

void Session::shed_heads(size_t goal) {
  pool_.trim();
  if (memory() <= goal) return;
  std::vector<std::pair<size_t, Connection*>> heavy;
  for (const auto& [key, flow] : flows_)
    if (size_t weight = flow->weight(); weight >= kLeastWeight) heavy.emplace_back(weight, flow.get());
  std::sort(heavy.begin(), heavy.end(), std::greater<>());
  auto is_over = [&] { return memory() - pool_.unused() * kRequestBytes > goal; };
  for (size_t i = 0; i < heavy.size() && is_over(); i++) heavy[i].second->start_over(kCause);
  while (is_over() && datagram_list_.first() != nullptr) forget(*datagram_list_.first(), kCause);
  pool_.trim();
}

}  // namespace clover
