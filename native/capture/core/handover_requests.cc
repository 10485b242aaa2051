// The requests that are open at a planned restart.
//
// A successor gets copies of them with the state of their connections, and follows them in silence: so it knows what their answers
// belong to. Who has counted them waits for their ends. Those that last longer than it waits it gives away by name: from then on they
// are its successor's, which has all that their spans say.
#include <unordered_map>
#include <utility>

#include "attributes.h"
#include "session.h"

namespace clover {

void hand_over(State& state, Piece& first) {
  state.numbers(first.seq, first.ack, first.time_ns, first.monotonic_ns);
  state.flag(first.has_ack);
}

static void hand_over(State& state, TraceContext& context) {
  for (u8& byte : context.trace_id) state.number(byte);
  for (u8& byte : context.parent_id) state.number(byte);
  state.number(context.flags);
  state.flags(context.decided, context.valid, context.remote);
}

void Request::hand_over(State& state) {
  state.numbers(start_ns, first_byte_ns, start_seq, start_ack, answer_seq, transaction, twin, ordinal);
  state.flags(sequenced, is_answered, counted, server, has_body, bodiless, tunnel, lasting, session, incomplete,
              request_unsized, response_unsized, doubtful, host_unknown);
  state.numbers(stream_id, status, request_bytes, response_bytes, port);
  clover::hand_over(state, context);
  bool called = caller.has_value();
  state.flag(called);
  if (called && state.reads()) caller.emplace();
  if (called) {
    state.number(caller->threshold);
    state.flag(caller->parent);
  }
  state.number(stamp.epoch);
  for (std::string* text : {&stamp.run, &stamp.arm, &tracestate, &name, &host, &attributes, &events, &error_type})
    state.text(*text);
  // They go on as they are.
  if (state.reads()) state.require(are_attributes(attributes, kSpanAttributes) && are_events(events));
}

void Conversation::hand_over(State& state, Request*& request, Counted counted) {
  bool there = request != nullptr, legged = there && request->leg != nullptr;
  state.flags(there, legged);
  if (!there || !state.ok()) return;
  if (!state.reads()) return request->hand_over(state);
  request = session_.pool_.take();
  request->hand_over(state);
  state.require(request->counted == (counted == Counted::yes));
  if (!state.ok()) {
    session_.pool_.give(std::exchange(request, nullptr));
    return;
  }
  request->talk = this;
  request->foreign = true;
  session_.open_.insert(request);
  if (legged) observe(request);
  if (request->counted) session_.opened(request, pod_);
}

// The same wherever the same packets are seen.
u64 Session::mark_of(const Request& request) const {
  FlowKey key = request.talk->key();
  u64 place = pods_.at(key.ifindex)->place;
  key.ifindex = 0;
  u64 mark = mix(key.hash() ^ mix(place));
  mark = mix(mark ^ (u64{request.start_seq} << 32 | request.stream_id));
  return mix(mix(mark ^ request.transaction) ^ request.twin) + request.lasting;
}

// Who takes it counts it from its start on: in evidence it was open for too long already, and stays so.
void Session::give(Request& request) {
  request.foreign = true;
  if (!request.counted) return;
  evidence.lose(request);
  red.give(request);
  request.leg = nullptr;
  RequestCounts& counts = ledger.of(request);
  counts.seen--;
  counts.open--;
}

void Session::take(Request& request) {
  request.foreign = false;
  request.leg = nullptr;
  if (!request.counted) return;
  RequestCounts& counts = ledger.of(request);
  counts.seen++;
  counts.open++;
  ledger.inherited_requests++;
  const Pod& pod = *pods_.at(request.talk->key().ifindex);
  if (pod.red != nullptr && !request.lasting) red.start(request, *pod.red);
}

std::string Session::hand_over_requests() {
  State state = State::writing();
  write_head(state);
  for (const OpenList* list : {&open_, &stuck_}) {
    for (Request* at = list->first(); at != nullptr; at = at->after) {
      if (at->foreign) continue;
      u64 mark = mark_of(*at);
      state.number(mark);
      state.flags(at->counted, at->session);
      give(*at);
    }
  }
  return state.bytes();
}

void Session::take_over_requests(std::string_view bytes) {
  State state = State::reading(bytes);
  if (const char* refused = refuse_head(state)) return add(ledger.refused, refused, 1);
  // Also what has begun before its window, and is told to be a request only now: nobody else counts it.
  window_.from_ns = 0;
  std::unordered_map<u64, Request*> followed;
  for (const OpenList* list : {&open_, &stuck_})
    for (Request* at = list->first(); at != nullptr; at = at->after)
      if (at->foreign) followed.emplace(mark_of(*at), at);
  while (!state.at_end()) {
    u64 mark = 0;
    bool counted = false, session = false;
    state.number(mark);
    state.flags(counted, session);
    if (!state.ok()) return add(ledger.refused, "malformed", 1);
    if (auto found = followed.find(mark); found != followed.end()) {
      take(*found->second);
      followed.erase(found);
    } else if (counted) {
      RequestCounts& counts = session ? ledger.sessions : ledger.requests;
      counts.seen++;
      add(counts.lost, "handover", 1);
    }
  }
}

}  // namespace clover
