#include "sip_calls.h"

#include <algorithm>

#include "sip_keys.h"

namespace clover::sip {
namespace {

constexpr u64 kSecond = 1'000'000'000;
constexpr u64 kTimerB = 32 * kSecond;      // 64*T1: also F, H, J and L (RFC 3261 §17, RFC 6026)
constexpr u64 kTimerC = 180 * kSecond;     // after a provisional answer (RFC 3261 §16.6)
constexpr u64 kQuietDialog = 24 * 3600 * kSecond;
constexpr size_t kMaxEntries = 16'384;

template <typename List>
auto with_key(List& list, u64 key) {
  return std::find_if(list.begin(), list.end(), [&](const auto& one) { return one.key == key; });
}

// The tags are the other way round in what comes from the end that was called.
bool is_between(const Dialog& dialog, std::string_view a, std::string_view b) {
  return (dialog.from_tag == a && dialog.to_tag == b) || (dialog.from_tag == b && dialog.to_tag == a);
}

Dialog* between(Call& call, const Message& message) {
  for (Dialog& one : call.dialogs)
    if (is_between(one, message.from_tag, message.to_tag)) return &one;
  return nullptr;
}

// Of what a recording has the end of no more it is still told how far it came.
void lose(Leg& leg, const Outcome& outcome, const char* cause) {
  Request* request = std::exchange(leg.request, nullptr);
  if (Conversation::keeps(cause)) describe_response(*request, outcome);
  leg.talk->lose(request, cause);
}

}  // namespace

Call* Calls::find(std::string_view id) {
  auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &*found->second;
}

Call& Calls::open(std::string known_id, u64 time_ns) {
  Call* call = find(known_id);
  if (call == nullptr) {
    calls_.emplace_back();
    call = &calls_.back();
    call->id = std::move(known_id);
    by_id_.emplace(call->id, std::prev(calls_.end()));
  }
  touch(*call, time_ns);
  return *call;
}

void Calls::touch(Call& call, u64 time_ns) {
  call.last_ns = std::max(call.last_ns, time_ns);
  calls_.splice(calls_.end(), calls_, by_id_.find(call.id)->second);
}

void Calls::shed(const Call& but) {
  while (entries_ > kMaxEntries && &calls_.front() != &but)
    forget(calls_.begin(), "too_many_open", calls_.front().last_ns);
}

// Drops a call with all that is open of it. An answered request is whole, though its end was not seen.
void Calls::forget(List::iterator at, const char* cause, u64 now_ns) {
  for (Transaction& one : at->transactions) {
    if (one.leg.request == nullptr) continue;
    if (one.status != 0) write(one, one.end_ns, "");
    else lose(one.leg, one.outcome, cause);
  }
  for (Dialog& one : at->dialogs) {
    if (one.leg.request == nullptr) continue;
    auto tried = with_key(at->transactions, one.transaction);
    bool over = tried != at->transactions.end() && tried->status != 0 && !one.confirmed;
    if (over) write(one, std::min(tried->end_ns, now_ns), tried->status);
    else lose(one.leg, one.outcome, cause);
  }
  entries_ -= at->transactions.size() + at->dialogs.size();
  by_id_.erase(at->id);
  calls_.erase(at);
}

void Calls::take(Conversation& flow, bool to_pod, const Message& message, const Piece& first, u64 end_ns,
                 bool missing) {
  // Over TCP sequence numbers say what was read before.
  if (flow.key().datagram) {
    if (first.monotonic_ns <= known_ns_) return;
    read_ns_ = std::max(read_ns_, first.monotonic_ns);
  }
  if (message.response()) on_response(flow, message, first, end_ns, missing);
  else if (message.is("ACK")) on_ack(message, first);
  else on_request(flow, to_pod, message, first);
}

// A conversation of its own, for each span is told apart by it, and a flow may be over long before a call is.
Leg Calls::begin(const Conversation& flow, bool to_pod, const Piece& first, const Message& message) {
  Leg leg;
  u64 id = mix(flow.id() ^ mix(++serial_));
  leg.talk = std::make_unique<Conversation>(session_, pod_, flow.key(), id, false);
  leg.talk->set_roles(to_pod);
  leg.request = leg.talk->begin(first, Side::client);
  // Several spans begin with one message.
  leg.request->sequenced = false;
  message.trace.apply(*leg.request);
  if (!leg.request->context.valid) leg.request->context = trace_of(message.call_id);
  return leg;
}

void Calls::on_request(Conversation& flow, bool to_pod, const Message& message, const Piece& first) {
  Call& call = open(id_of(message.call_id), first.time_ns);
  u64 key = key_of(message, message.method);
  auto known = with_key(call.transactions, key);
  if (known != call.transactions.end()) {
    known->outcome.requests_again++;
    return;
  }
  if (call.transactions.size() >= kMaxOfCall) {
    Transaction& oldest = call.transactions.front();
    if (oldest.leg.request != nullptr && oldest.status != 0) write(oldest, oldest.end_ns, "");
    else if (oldest.leg.request != nullptr) oldest.leg.talk->lose(oldest.leg.request, "too_many_open");
    call.transactions.erase(call.transactions.begin());
    entries_--;
  }
  Transaction one;
  one.key = key;
  one.cseq = message.cseq;
  one.first = first;
  one.first.data = nullptr;
  one.to_pod = to_pod;
  one.invites = message.is("INVITE");
  one.opens = one.invites && message.to_tag.empty();
  one.leg = begin(flow, to_pod, first, message);
  one.foreign = one.leg.request->foreign;
  one.due_ns = first.time_ns + kTimerB;
  Request* request = one.leg.request;
  request->transaction = key;
  describe_request(*request, message, *one.leg.talk);
  one.leg.talk->observe(request);
  one.leg.talk->count(request);
  if (message.is("CANCEL")) {
    auto cancelled = with_key(call.transactions, key_of(message, "INVITE"));
    bool waits = cancelled != call.transactions.end() && cancelled->leg.request != nullptr;
    if (waits) note_request(*cancelled->leg.request, first.time_ns, "sip.cancel");
  } else if (Dialog* dialog = between(call, message)) {
    dialog->last_ns = first.time_ns;
    if (message.is("BYE") && dialog->leg.request != nullptr) {
      dialog->bye = key;
      note_request(*dialog->leg.request, first.time_ns, "sip.bye");
    }
  }
  call.next_due_ns = std::min(call.next_due_ns, one.due_ns);
  call.transactions.push_back(std::move(one));
  entries_++;
  shed(call);
}

// It belongs to the INVITE that it confirms (§17.1.1.3): by branch where that was refused, else by dialog.
void Calls::on_ack(const Message& message, const Piece& first) {
  Call* call = find(id_of(message.call_id));
  if (call == nullptr) return;
  touch(*call, first.time_ns);
  auto same = with_key(call->transactions, key_of(message, "INVITE"));
  bool refused = same != call->transactions.end() && same->status >= 300;
  if (!refused) {
    Dialog* dialog = between(*call, message);
    if (dialog != nullptr && !std::exchange(dialog->acknowledged, true) && dialog->leg.request != nullptr)
      note_request(*dialog->leg.request, first.time_ns, "sip.ack");
  }
  for (Transaction& one : call->transactions) {
    bool answered = one.invites && one.cseq == message.cseq && one.status / 100 == 2;
    bool confirmed = refused ? &one == &*same : answered;
    if (!confirmed || one.leg.request == nullptr) continue;
    note_request(*one.leg.request, first.time_ns, "sip.ack");
    write(one, one.end_ns, "");
  }
}

void Calls::on_response(Conversation& flow, const Message& message, const Piece& first, u64 end_ns,
                        bool missing) {
  Call* call = find(id_of(message.call_id));
  u64 key = key_of(message, message.method);
  if (call == nullptr || with_key(call->transactions, key) == call->transactions.end())
    return unasked(flow, message, first, missing);
  touch(*call, end_ns);
  Transaction& one = *with_key(call->transactions, key);
  if (one.leg.request != nullptr) one.leg.request->answered(first);
  bool dials = one.invites && message.status > 100 && one.outcome.post_dial_delay == 0;
  u64 asked_ns = one.first.time_ns;
  if (dials && first.time_ns > asked_ns) one.outcome.post_dial_delay = first.time_ns - asked_ns;
  if (message.status < 200) on_provisional(*call, one, message, first.time_ns);
  else on_final(*call, one, flow, message, first.time_ns, end_ns);
}

void Calls::on_provisional(Call& call, Transaction& one, const Message& message, u64 time_ns) {
  u64 mark = hash(message.to_tag, static_cast<u64>(message.status), false);
  bool again = std::exchange(one.provisional, mark) == mark;
  if (one.invites && message.status > 100 && !message.to_tag.empty() && !again) {
    Dialog* dialog = dialog_of(call, one, message);
    if (dialog != nullptr && dialog->leg.request != nullptr && !dialog->confirmed) {
      if (dialog->outcome.post_dial_delay == 0) dialog->outcome.post_dial_delay = one.outcome.post_dial_delay;
      note_status(*dialog->leg.request, time_ns, message.status);
      dialog->last_ns = time_ns;
    }
  }
  if (one.leg.request == nullptr || one.status != 0) return;
  if (again) one.outcome.responses_again++;
  else note_status(*one.leg.request, time_ns, message.status);
  // Only who is invited may be asked to wait for so long.
  if (one.invites) one.due_ns = time_ns + kTimerC;
}

void Calls::on_final(Call& call, Transaction& one, Conversation& flow, const Message& message, u64 first_ns,
                     u64 end_ns) {
  bool again = one.status != 0;
  if (again) {
    one.outcome.responses_again++;
  } else {
    one.status = message.status;
    one.end_ns = end_ns;
    one.due_ns = end_ns + kTimerB;
    call.next_due_ns = std::min(call.next_due_ns, one.due_ns);
    if (one.leg.request != nullptr) one.leg.request->status = message.status;
  }
  if (one.invites) {
    if (message.status < 300) answer(call, one, message, first_ns);
    if (again || one.leg.request == nullptr) return;
    if (message.status < 300 && first_ns > one.first.time_ns)
      one.outcome.time_to_answer = first_ns - one.first.time_ns;
    note_status(*one.leg.request, first_ns, message.status);
    if (message.status >= 300) end_early(call, one, end_ns);
    return;  // its span waits for the ACK
  }
  if (again) return;
  if (one.leg.request != nullptr) write(one, end_ns, "");
  if (message.is("BYE")) hang_up(call, one, flow, message, end_ns);
}

void Calls::hang_up(Call& call, const Transaction& bye, Conversation& flow, const Message& message,
                    u64 end_ns) {
  // A BYE that was challenged is sent again; one that met no dialog has ended it, too (§15.1.1, §12.2.1.2).
  bool ended = message.status < 300 || message.status == 481 || message.status == 408;
  for (Dialog& dialog : call.dialogs) {
    if (dialog.bye != bye.key) continue;
    if (!ended) dialog.bye = 0;
    else if (dialog.leg.request != nullptr) write(dialog, end_ns, 200);
  }
  bool unseen = message.status < 300 && !message.to_tag.empty() && between(call, message) == nullptr;
  if (!unseen || call.dialogs.size() >= kMaxOfCall) return;
  // A dialog ends of which the beginning was not seen. It is kept, for its BYE may take another leg, too.
  if (!bye.foreign) flow.missed("before_attach");
  Dialog known;
  known.from_tag.assign(message.from_tag);
  known.to_tag.assign(message.to_tag);
  call.dialogs.push_back(std::move(known));
  entries_++;
}

// The dialog that an answer to INVITE names; null where there is no room for it.
Dialog* Calls::dialog_of(Call& call, const Transaction& one, const Message& message) {
  if (Dialog* known = between(call, message)) return known;
  if (!one.opens || call.dialogs.size() >= kMaxOfCall) return nullptr;
  // Behind a proxy the answer comes to the last of several legs first; the call began with the first one.
  const Transaction* origin = &one;
  for (const Transaction& other : call.transactions) {
    bool leg = other.opens && other.leg.talk != nullptr && other.cseq == one.cseq;
    if (leg && other.first.time_ns < origin->first.time_ns) origin = &other;
  }
  Dialog dialog;
  dialog.from_tag.assign(message.from_tag);
  dialog.to_tag.assign(message.to_tag);
  dialog.transaction = one.key;
  dialog.leg = begin(*origin->leg.talk, origin->to_pod, origin->first, message);
  Request* request = dialog.leg.request;
  request->lasting = true;
  request->twin = hash(message.to_tag, hash(message.from_tag, hash(message.call_id, 3, false), false), false);
  // Whoever has its INVITE, which may have been given away.
  request->foreign = origin->leg.request != nullptr ? origin->leg.request->foreign : origin->foreign;
  describe_dialog(*request, message, *dialog.leg.talk);
  dialog.leg.talk->count(request);
  call.dialogs.push_back(std::move(dialog));
  entries_++;
  return &call.dialogs.back();
}

void Calls::answer(Call& call, const Transaction& one, const Message& message, u64 time_ns) {
  Dialog* dialog = dialog_of(call, one, message);
  if (dialog == nullptr || dialog->leg.request == nullptr) return;
  dialog->last_ns = time_ns;
  if (std::exchange(dialog->confirmed, true)) return;
  dialog->leg.request->status = message.status;
  dialog->leg.request->first_byte_ns = time_ns;
  u64 start = dialog->leg.request->start_ns;
  dialog->outcome.time_to_answer = time_ns > start ? time_ns - start : 0;
  if (dialog->outcome.post_dial_delay == 0) dialog->outcome.post_dial_delay = dialog->outcome.time_to_answer;
  note_status(*dialog->leg.request, time_ns, message.status);
}

// The INVITE is over: what only rang, elsewhere or until then, is over with it (§12.3, §13.2.2.4).
void Calls::end_early(Call& call, const Transaction& one, u64 end_ns) {
  for (Dialog& dialog : call.dialogs)
    if (dialog.transaction == one.key && !dialog.confirmed && dialog.leg.request != nullptr)
      write(dialog, end_ns, one.status);
}

// An answer to what was not seen: asked before the capture, or in a hole, or by nobody.
void Calls::unasked(Conversation& flow, const Message& message, const Piece& first, bool missing) {
  const char* cause = missing                                                            ? "hole"
                      : flow.before_attach(first.time_ns, kTimerB) && !flow.shadowed() ? "before_attach"
                                                                                         : nullptr;
  if (cause == nullptr || !flow.owns(first)) return;
  Call& call = open(id_of(message.call_id), first.time_ns);
  if (call.transactions.size() >= kMaxOfCall) return;
  flow.missed(cause);
  Transaction one;
  one.key = key_of(message, message.method);
  one.cseq = message.cseq;
  one.first = first;
  one.first.data = nullptr;
  one.due_ns = first.time_ns + kTimerB;
  call.next_due_ns = std::min(call.next_due_ns, one.due_ns);
  call.transactions.push_back(std::move(one));
  entries_++;
  shed(call);
}

void Calls::write(Transaction& one, u64 end_ns, std::string_view error) {
  Request* request = std::exchange(one.leg.request, nullptr);
  request->status = one.status;
  describe_response(*request, one.outcome);
  if (!error.empty()) request->error_type = error;
  bool failed = !request->error_type.empty();
  one.leg.talk->finish(request, end_ns, failed);
}

void Calls::write(Dialog& one, u64 end_ns, int status) {
  Request* request = std::exchange(one.leg.request, nullptr);
  request->status = one.confirmed ? 200 : status;
  describe_response(*request, one.outcome);
  one.leg.talk->finish(request, end_ns, false);
}

// Fails and forgets what is due of a call.
void Calls::settle(Call& call, u64 now_ns) {
  call.next_due_ns = UINT64_MAX;
  for (size_t i = 0; i < call.transactions.size();) {
    Transaction& one = call.transactions[i];
    if (one.due_ns > now_ns) {
      call.next_due_ns = std::min(call.next_due_ns, one.due_ns);
      i++;
      continue;
    }
    u64 end = one.status != 0 ? one.end_ns : one.due_ns;
    if (one.leg.request != nullptr) write(one, end, one.status != 0 ? "" : "timeout");
    end_early(call, one, end);
    // Nobody answered it, and who sent it has hung up all the same (§15.1.1).
    for (Dialog& dialog : call.dialogs)
      if (dialog.bye == one.key && dialog.leg.request != nullptr) write(dialog, end, 200);
    call.transactions.erase(call.transactions.begin() + static_cast<std::ptrdiff_t>(i));
    entries_--;
  }
  auto over = [&](Dialog& dialog) {
    if (dialog.leg.request == nullptr) return call.transactions.empty();
    if (dialog.last_ns + kQuietDialog > now_ns) return false;
    lose(dialog.leg, dialog.outcome, "idle");
    return true;
  };
  size_t before = call.dialogs.size();
  call.dialogs.erase(std::remove_if(call.dialogs.begin(), call.dialogs.end(), over), call.dialogs.end());
  entries_ -= before - call.dialogs.size();
}

void Calls::expire(u64 now_ns) {
  if (now_ns < swept_ns_ + kSecond) return;
  swept_ns_ = now_ns;
  for (auto at = calls_.begin(); at != calls_.end();) {
    auto call = at++;
    if (call->next_due_ns <= now_ns || call->transactions.empty()) settle(*call, now_ns);
    if (call->transactions.empty() && call->dialogs.empty()) forget(call, nullptr, now_ns);
  }
}

void Calls::close(const char* cause, u64 now_ns) {
  while (!calls_.empty()) forget(calls_.begin(), cause, now_ns);
}

std::unique_ptr<PodState> make_calls(Session& session, Pod& pod) {
  return std::make_unique<Calls>(session, pod);
}

}  // namespace clover::sip
