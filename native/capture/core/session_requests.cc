// What a session does with a request from its first byte to its span: evidence, its trace, and the other end of its hop.
#include "hop.h"
#include "session.h"

namespace clover {

Leg& Session::leg(Pod& pod, u16 port) {
  Leg& leg = pod.legs[port];
  if (leg.cells == nullptr)
    leg.cells = &evidence.pod(pod.identity.name_space + "/" + pod.identity.name);
  return leg;
}

void Session::opened(Request* request, Pod& pod) {
  if (!request->foreign) {
    RequestCounts& counts = ledger.of(*request);
    counts.seen++;
    counts.open++;
    if (pod.red != nullptr && !request->lasting) red.start(*request, *pod.red);
  }
  meet(*request, pod);
  if (!request->server) {
    if (request->context.valid && request->stamp.known()) stamp_by_trace(pod, *request);
    return;
  }
  if (request->foreign) return;
  evidence.start(*request);
  if (request->stuck) evidence.stick(*request);
  // Only experiments ask for a trace's requests.
  if (!request->context.valid || !settings.evidence || request->lasting) return;
  request->traced = true;
  auto [at, fresh] = traces_.try_emplace({pod.ifindex, request->context.trace_id}, request);
  if (fresh) return;
  request->same_trace = at->second;
  at->second->newer_in_trace = request;
  at->second = request;
}

// What leaves a pod passes its interface before that of the pod that it goes to.
void Session::meet(Request& request, const Pod& pod) {
  u64 key = hop_of(request).id;
  if (key == 0) return;
  if (!request.server) {
    if (callers_.try_emplace(key, pod.sampling).second) request.calls_as = key;
  } else if (auto found = callers_.find(key); found != callers_.end()) {
    request.caller = found->second;
  }
}

void Session::closed(Request* request, Pod& pod) {
  if (request->calls_as != 0) callers_.erase(request->calls_as);
  // Thousands may have one trace id, by chance or ill will.
  if (request->traced) {
    Request *newer = request->newer_in_trace, *older = request->same_trace;
    if (older != nullptr) older->newer_in_trace = newer;
    if (newer != nullptr) newer->same_trace = older;
    else if (older != nullptr) traces_[{pod.ifindex, request->context.trace_id}] = older;
    else traces_.erase({pod.ifindex, request->context.trace_id});
  }
  (request->stuck ? stuck_ : open_).remove(request);
  pool_.give(request);
}

void Session::stamp_by_trace(Pod& pod, const Request& sent) {
  auto found = traces_.find({pod.ifindex, sent.context.trace_id});
  if (found == traces_.end()) return;
  // Of several with one trace id it is the one whose parent is passed on unchanged; where a proxy
  // makes spans of its own, the oldest that has no arm yet.
  auto rank = [&](const Request& one) {
    return 2 * (one.context.parent_id == sent.context.parent_id) + !one.stamp.known();
  };
  Request* target = found->second;
  for (Request* at = target; at != nullptr; at = at->same_trace)
    if (rank(*at) >= rank(*target)) target = at;
  // Behind the splitting point applications pass the header on: their own legs are not split.
  if (target->leg == nullptr || !target->leg->splitting) return;
  evidence.move(*target, sent.stamp);
  target->stamp = sent.stamp;
}

const Connection* Session::on_wire(FlowKey key) const {
  key.session = 0;
  auto found = flows_.find(&key);
  return found == flows_.end() ? nullptr : found->second.get();
}

void Session::emit(Pod& pod, const Request& request, const SpanPlace& place) {
  RequestCounts& counts = ledger.of(request);
  counts.open--;
  if (spans_.empty() && records_.empty()) batch_since_ns_ = now_ns_;
  bool full = false;
  if (pod.selection.access_log && !request.session) {
    ledger.records++;
    full = records_.append(pod, writer_.record(request, place), request);
  }
  if (pod.sampling.keeps(request.context, trace_id_of(request, settings.boot, place.connection))) {
    counts.spans++;
    full = spans_.append(pod, writer_.span(request, place), request) || full;
  } else {
    counts.sampled_out++;
  }
  if (full) close_batch();
}

}  // namespace clover
