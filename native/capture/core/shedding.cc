// What a session lets go of where its memory is short.
#include "session.h"

namespace clover {
namespace {

// Of one that holds nothing, with its place in the tables.
constexpr size_t kConnectionBytes = 480, kDatagramFlowBytes = 1200;
// Of both languages and, for two links and their places in the chains of an interface, of the kernel.
constexpr size_t kPodBytes = 11 * 1024;
// It is brought down to this share, so that the whole is looked at rarely.
constexpr size_t kOfEighths = 7;
// Less is not worth to start a connection over for.
constexpr size_t kLeastWeight = 4096;
constexpr const char* kCause = "memory";

}  // namespace

// What is there beside what the pods take, which is not to leave nothing.
size_t Session::room() const {
  size_t pods = pods_.size() * kPodBytes, least = settings.memory_bytes / 4;
  return pods < settings.memory_bytes - least ? settings.memory_bytes - pods : least;
}

size_t Session::memory() const {
  size_t bytes = flows_.size() * kConnectionBytes + datagrams_.size() * kDatagramFlowBytes;
  bytes += parser_bytes_ + pool_.size() * kRequestBytes + held_bytes_ + kept_bytes_;
  // Of bytes that are pending parsers have those that are not held, in text that is given half as much again when it grows.
  if (ledger.pending > held_length_) bytes += (ledger.pending - held_length_) / 2 * 3;
  for (const Batch& batch : batches) bytes += batch.otlp.size();
  return bytes + spans_.size() + records_.size();
}

// Connections leave a quarter to what they say, and to spans. Closed ones are there only for what comes late.
void Session::make_way() {
  size_t most = std::min(kMaxConnections, room() / 4 * 3 / kConnectionBytes);
  while (flows_.size() >= most && !graves_.empty()) forget_oldest_grave();
  if (flows_.size() >= most) evict(Standing::spoken, End::crowded);
}

// Things go in the order in which they are missed least, and what is counted goes last: connections on which nothing was said; bytes
// that wait for others, most of which are of bodies; heads and requests that are not whole, of those who have most; spans that nobody
// has taken; and connections that were silent for longest.
void Session::shed() {
  if (memory() <= room()) return;
  size_t goal = room() / 8 * kOfEighths;
  while (memory() > goal && !graves_.empty()) forget_oldest_grave();
  while (memory() > goal && evict(Standing::silent, End::memory)) continue;
  for (Connection* connection : waiting_)
    while (memory() > goal && !connection->closed() && connection->fill_oldest_hole()) continue;
  shed_heads(goal);
  while (memory() > goal && !batches.empty()) drop_oldest_batch();
  while (memory() > goal && evict(Standing::spoken, End::memory)) continue;
}

void Session::shed_heads(size_t goal) {
  if (memory() <= goal) return;
  std::vector<std::pair<size_t, Connection*>> heavy;
  for (const auto& [key, flow] : flows_)
    if (size_t weight = flow->weight(); weight >= kLeastWeight) heavy.emplace_back(weight, flow.get());
  std::sort(heavy.begin(), heavy.end(), std::greater<>());
  for (size_t i = 0; i < heavy.size() && memory() > goal; i++) heavy[i].second->start_over(kCause);
  for (AgeList<DatagramFlow>* list : {&answered_, &asking_})
    while (memory() > goal && list->first() != nullptr) forget(*list->first(), kCause);
}

// Forgets the one that was heard of least lately, of those that are the least known and no better than `last`; false where there is
// none. What still comes on it is met as of a connection from before the capture.
bool Session::evict(Standing last, End end) {
  for (size_t standing = 0; standing <= static_cast<size_t>(last); standing++) {
    Connection* oldest = open_flows_[standing].first();
    if (oldest == nullptr) continue;
    drop(flows_.find(&oldest->key()), end);
    ledger.connections_evicted++;
    return true;
  }
  return false;
}

}  // namespace clover
