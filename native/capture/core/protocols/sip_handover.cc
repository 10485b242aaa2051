// What a successor has to know of the calls of a pod.
#include "sip_calls.h"
#include "sip_keys.h"

namespace clover::sip {
namespace {

void hand_over(State& state, Outcome& outcome) {
  state.numbers(outcome.requests_again, outcome.responses_again, outcome.post_dial_delay, outcome.time_to_answer);
}

}  // namespace

// The flow that it began on may be over: it comes with its addresses.
void Calls::hand_over(State& state, Leg& leg) {
  bool there = leg.talk != nullptr;
  state.flag(there);
  if (!there || !state.ok()) return;
  FlowKey key = state.reads() ? FlowKey{} : leg.talk->key();
  u64 id = state.reads() ? 0 : leg.talk->id();
  bool serves = !state.reads() && leg.talk->pod_serves();
  for (Address* address : {&key.pod, &key.peer})
    for (u8& byte : *address) state.number(byte);
  state.numbers(key.pod_port, key.peer_port, id);
  state.flags(key.datagram, serves);
  if (state.reads()) {
    key.ifindex = pod_.ifindex;
    leg.talk = std::make_unique<Conversation>(session_, pod_, key, id, false);
    leg.talk->set_roles(serves);
  }
  leg.talk->hand_over(state, leg.request, Counted::yes);
}

void Calls::hand_over(State& state, Transaction& one) {
  state.numbers(one.key, one.cseq, one.status, one.provisional, one.end_ns, one.due_ns);
  state.flags(one.invites, one.opens, one.to_pod);
  clover::hand_over(state, one.first);
  sip::hand_over(state, one.outcome);
  hand_over(state, one.leg);
  // Only what begins from now on can be this session's.
  if (state.reads()) one.foreign = true;
}

void Calls::hand_over(State& state, Dialog& one) {
  state.text(one.from_tag);
  state.text(one.to_tag);
  state.numbers(one.transaction, one.bye, one.last_ns);
  state.flags(one.confirmed, one.acknowledged);
  sip::hand_over(state, one.outcome);
  hand_over(state, one.leg);
}

void Calls::hand_over(State& state, Call& call) {
  state.numbers(call.next_due_ns, call.last_ns);
  state.list(call.transactions, kMaxOfCall, [&](Transaction& one) { hand_over(state, one); });
  state.list(call.dialogs, kMaxOfCall, [&](Dialog& one) { hand_over(state, one); });
}

std::vector<std::string> Calls::hand_over() {
  std::vector<std::string> parts;
  for (Call& call : calls_) {
    State state = State::writing();
    state.numbers(read_ns_, serial_);
    state.text(call.id);
    hand_over(state, call);
    parts.push_back(state.bytes());
  }
  return parts;
}

bool Calls::take_over(State& state) {
  u64 known_ns = 0, serial = 0;
  std::string id;
  state.numbers(known_ns, serial);
  state.text(id);
  state.require(id.size() <= kMaxKnownId);
  if (!state.ok()) return false;
  // What was seen of it here is less.
  if (auto before = by_id_.find(id); before != by_id_.end()) forget(before->second, "detached", 0);
  Call& call = open(std::move(id), 0);
  hand_over(state, call);
  entries_ += call.transactions.size() + call.dialogs.size();
  state.require(state.at_end());
  if (!state.ok()) {
    forget(by_id_.find(call.id)->second, "detached", 0);
    return false;
  }
  known_ns_ = std::max(known_ns_, known_ns);
  serial_ = std::max(serial_, serial);
  shed(call);
  return true;
}

}  // namespace clover::sip
