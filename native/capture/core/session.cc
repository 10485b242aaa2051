#include "session.h"

#include <algorithm>

#include "protocols/table.h"
#include "wire.h"

namespace clover {
namespace {

// About 24 MiB of finished batches that JavaScript has not taken yet.
constexpr size_t kMaxBacklog = 32;

}  // namespace

Session::Session(const Settings& given)
    : settings(given), writer_(given.boot, given.detailed),
      spans_(&Pod::spans, given.batch_bytes),
      records_(&Pod::records, given.batch_bytes),
      flows_(0, FlowHash{mix(given.boot)}),
      datagrams_(0, FlowHash{mix(given.boot)}) {}

Session::~Session() {
  for (OpenList* list : {&open_, &stuck_}) {
    while (Request* request = list->first()) {
      list->remove(request);
      pool_.give(request);
    }
  }
}

void Session::attach(u32 ifindex, const Identity& identity, u64 whole_from_ns, const Sampling& sampling,
                     const Selection& selection) {
  auto found = pods_.find(ifindex);
  if (found != pods_.end()) {
    const Identity& old = found->second->identity;
    if (old.name_space != identity.name_space || old.name != identity.name) detach(ifindex);
    else if (found->second->in_batch()) close_batch();
  }
  auto& pod = pods_[ifindex];
  if (!pod) pod = std::make_unique<Pod>();
  if (pod->ifindex == 0) pod->shadowed = shadows(), pod->unfollowed_ns = now_ns_;
  pod->ifindex = ifindex;
  pod->place = ifindex;
  pod->whole_from_ns = whole_from_ns;
  pod->identity = identity;
  pod->sampling = sampling;
  select(*pod, selection);
  if (settings.evidence) pod->red = red.service(identity);
  pod->resource = SpanWriter::encode_resource(identity);
}

// Nothing is detached for it: of protocols that are selected no more what is open is lost, others are joined.
void Session::select(Pod& pod, const Selection& selection) {
  bool same = pod.selection.protocols == selection.protocols && pod.selection.egress == selection.egress;
  pod.selection = selection;
  if (same) return;
  for (auto& [key, flow] : flows_)
    if (key->ifindex == pod.ifindex) flow->select();
  for (auto at = datagrams_.begin(); at != datagrams_.end();) {
    DatagramFlow& flow = *(at++)->second;
    if (flow.key().ifindex == pod.ifindex && flow.reselected()) forget(flow, "detached");
  }
  for (size_t i = 0; i < kProtocolCount; i++) {
    auto state = pod.states.find(kProtocols[i].name);
    if (selection.protocols >> i & 1 || state == pod.states.end()) continue;
    state->second->close("detached", now_ns_);
    pod.states.erase(state);
  }
}

void Session::detach(u32 ifindex) {
  auto found = pods_.find(ifindex);
  if (found == pods_.end()) return;
  for (auto at = flows_.begin(); at != flows_.end();)
    at = at->first->ifindex == ifindex ? drop(at, End::detached) : std::next(at);
  for (auto at = datagrams_.begin(); at != datagrams_.end();) {
    DatagramFlow& flow = *(at++)->second;
    if (flow.key().ifindex != ifindex) continue;
    want(flow.key());
    forget(flow, "detached");
  }
  for (auto& [protocol, state] : found->second->states) state->close("detached", now_ns_);
  if (found->second->in_batch()) close_batch();
  pods_.erase(found);
}

void Session::set_ports(const tap_settings& ports) {
  auto leaves = [&](const FlowKey& key) { return !is_traced(ports, key.pod_port, key.peer_port); };
  for (auto at = flows_.begin(); at != flows_.end();) at = leaves(*at->first) ? drop(at, End::detached) : std::next(at);
  for (auto at = datagrams_.begin(); at != datagrams_.end();) {
    DatagramFlow& flow = *(at++)->second;
    if (!leaves(flow.key())) continue;
    want(flow.key());
    forget(flow, "detached");
  }
}

void Session::end_process(u32 process) {
  for (auto& [key, flow] : flows_)
    if (key->session >> TAP_PROCESS_SHIFT == process) flow->close(End::reset);
}

void Session::detach_all() {
  while (!pods_.empty()) detach(pods_.begin()->first);
}

FlowKey Session::key_of(const Segment& segment) {
  FlowKey key;
  key.session = segment.session;
  key.datagram = segment.datagram;
  key.ifindex = segment.ifindex;
  key.pod = segment.to_pod ? segment.destination : segment.source;
  key.peer = segment.to_pod ? segment.source : segment.destination;
  key.pod_port = segment.to_pod ? segment.destination_port : segment.source_port;
  key.peer_port = segment.to_pod ? segment.source_port : segment.destination_port;
  return key;
}

Connection* Session::known(const FlowKey& key) {
  if (last_known_ != nullptr && last_known_->key() == key) return last_known_;
  auto found = flows_.find(&key);
  if (found == flows_.end()) return nullptr;
  return last_known_ = found->second.get();
}

Connection* Session::connection_for(const Segment& segment, Pod& pod) {
  FlowKey key = key_of(segment);
  if (Connection* connection = known(key)) {
    if (connection->continues(segment)) {
      connection->locate(key);
      return connection;
    }
    connection->close(End::replaced);
    forget(*connection);
    // What was wished of the old one may have come to the source after the beginning of the new one.
    want(key);
  }
  // The end of a connection that was never seen says nothing.
  if (segment.size() == 0 && !(segment.flags & kSyn)) return nullptr;
  // Of a socket that listens the packet alone tells the ends, on which rules (DNAT) may have hidden that it is an answer.
  bool answer = (segment.flags & kSyn) && (segment.flags & kAck);
  if (answer && segment.session == 0 && segment.ifindex >= TAP_FIRST_CGROUP) return nullptr;
  make_way();
  auto created = std::make_unique<Connection>(*this, pod, key, segment);
  ledger.connections_seen++;
  count_open(*created, Standing::opening);
  return flows_.emplace(&created->key(), std::move(created)).first->second.get();
}

void Session::segment(const Segment& segment) {
  ledger.received += segment.size();
  auto pod = pods_.find(segment.ifindex);
  if (pod == pods_.end()) {
    add(ledger.skipped, "detached", segment.size());
    return;
  }
  // One direction alone would make connections of it that have holes.
  if (segment.monotonic_ns < pod->second->whole_from_ns) {
    add(ledger.skipped, "before_attach", segment.size());
    return;
  }
  if (pod->second->first_ns == 0) pod->second->first_ns = segment.time_ns;
  if (segment.datagram) return datagram(segment, *pod->second);
  Connection* connection = connection_for(segment, *pod->second);
  if (connection == nullptr) {
    add(ledger.skipped, "unopened", segment.size());
    return;
  }
  if (connection->closed()) {
    add(ledger.skipped, "after_close", segment.size());
    if (segment.size() > 0) connection->goes_on();
    return;
  }
  renew(*connection, segment);
  connection->segment(segment);
}

void Session::undirected(Segment segment) {
  segment.to_pod = goes_to_pod(segment);
  this->segment(segment);
}

bool Session::goes_to_pod(Segment& segment) {
  // A flow keeps the direction that it began with. Servers mostly have the lower port.
  bool first = segment.destination_port <= segment.source_port;
  for (bool to_pod : {first, !first}) {
    segment.to_pod = to_pod;
    FlowKey key = key_of(segment);
    if (!segment.datagram) {
      Connection* connection = known(key);
      // A new connection may be opened from the other end.
      if (connection != nullptr && connection->continues(segment)) return to_pod;
    } else if (datagrams_.count(key) > 0) {
      return to_pod;
    }
  }
  if (segment.datagram || !(segment.flags & kSyn)) return first;
  bool to_pod = !(segment.flags & kAck);
  // What these two ends had the other way round is over.
  segment.to_pod = !to_pod;
  if (Connection* before = known(key_of(segment))) {
    before->close(End::replaced);
    forget(*before);
  }
  return to_pod;
}

void Session::end_recording() {
  for (auto& [key, flow] : flows_) flow->close(End::capture_end);
  for (AgeList<DatagramFlow>* list : {&answered_, &asking_})
    while (DatagramFlow* flow = list->first()) forget(*flow, kCaptureEnd);
  for (auto& [ifindex, pod] : pods_)
    for (auto& [protocol, state] : pod->states) state->close(kCaptureEnd, now_ns_);
}

void Session::advance(u64 now_ns) {
  now_ns_ = std::max(now_ns_, now_ns);
  // Before sweep(): a connection that is closed here still has to leave the list.
  settle_waiting();
  sweep();
  sweep_datagrams();
  for (auto& [ifindex, pod] : pods_)
    for (auto& [protocol, state] : pod->states) state->expire(now_ns_);
  while (Request* oldest = open_.first()) {
    if (oldest->start_ns + settings.open_timeout_ns > now_ns_) break;
    open_.remove(oldest);
    stuck_.insert(oldest);
    if (!oldest->foreign) evidence.stick(*oldest);
    oldest->stuck = true;
  }
  if (!(spans_.empty() && records_.empty()) && now_ns_ >= batch_since_ns_ + settings.batch_ns) close_batch();
  shed();
}

void Session::close_batch() {
  if (!spans_.empty()) push(spans_.close());
  if (records_.empty()) return;
  Batch batch = records_.close();
  batch.logs = true;
  push(std::move(batch));
}

void Session::push(Batch batch) {
  batch.watermark_ns = span_watermark();
  batches.push_back(std::move(batch));
  if (batches.size() > kMaxBacklog) drop_oldest_batch();
}

// Nobody takes them: memory stays bounded, and the oldest become a counted loss.
void Session::drop_oldest_batch() {
  const Batch& oldest = batches.front();
  if (oldest.logs) {
    ledger.records -= oldest.count;
    ledger.lost_records += oldest.count;
  } else {
    auto lose = [](RequestCounts& counts, u32 dropped) {
      counts.spans -= dropped;
      add(counts.lost, "backlog", dropped);
    };
    lose(ledger.requests, oldest.count - oldest.sessions);
    lose(ledger.sessions, oldest.sessions);
  }
  batches.pop_front();
}

u64 Session::oldest_waiting() const {
  u64 oldest = UINT64_MAX;
  for (const Connection* connection : waiting_) {
    oldest = std::min(oldest, connection->oldest_held());
  }
  return oldest;
}

u64 Session::evidence_watermark() const {
  u64 mark = std::min(drained_ns_, oldest_waiting());
  for (const Request* at = open_.first(); at != nullptr && at->start_ns < mark; at = at->after)
    // Not yet counted, it may still turn out to be at a splitting point; counted without a leg, it never will.
    if (at->server && !at->foreign && (at->leg == nullptr ? !at->counted : at->leg->splitting)) return at->start_ns;
  return mark;
}

u64 Session::span_watermark() const {
  u64 mark = std::min(drained_ns_, oldest_waiting());
  for (const Request* first : {open_.first(), stuck_.first()}) {
    while (first != nullptr && first->lasting) first = first->after;
    if (first != nullptr) mark = std::min(mark, first->start_ns);
  }
  return spans_.empty() ? mark : std::min(mark, spans_.oldest_start());
}

std::vector<const Pod*> Session::one_way() const {
  std::vector<const Pod*> found;
  for (const auto& [ifindex, pod] : pods_)
    if (pod->one_way > 0) found.push_back(pod.get());
  return found;
}

}  // namespace clover
