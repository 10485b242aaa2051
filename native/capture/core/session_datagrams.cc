// Which flows of datagrams a session knows, and for how long.
#include "session.h"

namespace clover {
namespace {

constexpr size_t kMaxFlows = 50'000;
// A flow without datagrams is looked at after this time, and forgotten when nothing of it is open.
constexpr u64 kIdle = 5'000'000'000;
// Most resolvers ask from a port of its own each time: of what is answered only copies can come.
constexpr size_t kMaxAnswered = 1024;

}  // namespace

void Session::datagram(const Segment& segment, Pod& pod) {
  add(ledger.lost, "snaplen", segment.missing);
  if (segment.length == 0) return;
  FlowKey key = key_of(segment);
  auto& flow = datagrams_[key];
  if (flow == nullptr) flow = std::make_unique<DatagramFlow>(*this, pod, key, segment.time_ns);
  flow->datagram(segment);
  file(*flow);
  if (answered_.size() > kMaxAnswered) forget(*answered_.first(), nullptr);
  if (datagrams_.size() > kMaxFlows) forget(*asking_.first(), "too_many_connections");
}

void Session::file(DatagramFlow& flow) {
  flow.last_seen_ns = now_ns_;
  if (flow.list != nullptr) flow.list->remove(flow);
  flow.list = flow.answered() ? &answered_ : &asking_;
  flow.list->append(flow);
}

void Session::forget(DatagramFlow& flow, const char* cause) {
  flow.close(cause);
  flow.list->remove(flow);
  datagrams_.erase(FlowKey(flow.key()));
}

void Session::sweep_datagrams() {
  for (AgeList<DatagramFlow>* list : {&answered_, &asking_}) {
    while (DatagramFlow* flow = list->first()) {
      if (flow->last_seen_ns + kIdle > now_ns_) break;
      if (flow->expire(now_ns_)) forget(*flow, nullptr);
      // Its turn comes again.
      else file(*flow);
    }
  }
}

}  // namespace clover
