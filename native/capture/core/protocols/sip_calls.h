// SIP transactions and dialogs of a pod (RFC 3261 §12, §17), found by Call-ID, whichever flow a message takes.
#pragma once

#include <list>
#include <unordered_map>
#include <vector>

#include "../pod.h"
#include "sip_span.h"

namespace clover::sip {

// A span of its own: a request, and the ends that it went between.
struct Leg {
  std::unique_ptr<Conversation> talk;
  Request* request = nullptr;  // null once its span is written
};

// One request with its answers; kept for a while behind its span, to know copies by.
struct Transaction {
  u64 key = 0;
  u32 cseq = 0;
  bool invites = false;  // INVITE
  bool opens = false;    // and not within a dialog that stands
  Leg leg;
  Piece first;  // what carried the request, without the bytes
  bool to_pod = false, foreign = false;
  int status = 0;  // the final one, or 0
  u64 provisional = 0;  // the last one, and whose it was
  u64 end_ns = 0;  // of the final answer
  u64 due_ns = 0;  // when it has failed, or is forgotten
  Outcome outcome;
};

// What two tags of a call are to each other, from the first answer that names both until BYE.
struct Dialog {
  std::string from_tag, to_tag;
  u64 transaction = 0;  // the INVITE's key
  u64 bye = 0;          // the key of the BYE that is to end it
  bool confirmed = false, acknowledged = false;
  u64 last_ns = 0;
  Leg leg;
  Outcome outcome;
};

// All that has one Call-ID.
struct Call {
  std::string id;
  u64 next_due_ns = UINT64_MAX;  // of its transactions
  u64 last_ns = 0;
  std::vector<Transaction> transactions;
  std::vector<Dialog> dialogs;
};

inline constexpr size_t kMaxOfCall = 64;  // transactions, and dialogs

// The calls of a pod, bounded: those that were quiet for longest go first; what is open of them is lost by name.
class Calls final : public PodState {
 public:
  Calls(Session& session, Pod& pod) : session_(session), pod_(pod) {}

  // A message of this flow. `missing`: what came before it may have been in a hole.
  void take(Conversation& flow, bool to_pod, const Message& message, const Piece& first, u64 end_ns,
            bool missing);
  void expire(u64 now_ns) override;
  void close(const char* cause, u64 now_ns) override;
  // A part for each call.
  std::vector<std::string> hand_over() override;
  bool take_over(State& state) override;

 private:
  using List = std::list<Call>;

  Call* find(std::string_view id);
  Call& open(std::string known_id, u64 time_ns);
  void touch(Call& call, u64 time_ns);
  void shed(const Call& but);
  void forget(List::iterator at, const char* cause, u64 now_ns);

  void hand_over(State& state, Call& call);
  void hand_over(State& state, Transaction& one);
  void hand_over(State& state, Dialog& one);
  void hand_over(State& state, Leg& leg);
  Leg begin(const Conversation& flow, bool to_pod, const Piece& first, const Message& message);
  void on_request(Conversation& flow, bool to_pod, const Message& message, const Piece& first);
  void on_ack(const Message& message, const Piece& first);
  void on_response(Conversation& flow, const Message& message, const Piece& first, u64 end_ns, bool missing);
  void on_provisional(Call& call, Transaction& one, const Message& message, u64 time_ns);
  void on_final(Call& call, Transaction& one, Conversation& flow, const Message& message, u64 first_ns,
                u64 end_ns);
  void unasked(Conversation& flow, const Message& message, const Piece& first, bool missing);
  Dialog* dialog_of(Call& call, const Transaction& one, const Message& message);
  void hang_up(Call& call, const Transaction& bye, Conversation& flow, const Message& message, u64 end_ns);
  void answer(Call& call, const Transaction& one, const Message& message, u64 time_ns);
  void write(Transaction& one, u64 end_ns, std::string_view error);
  void write(Dialog& one, u64 end_ns, int status);
  void end_early(Call& call, const Transaction& one, u64 end_ns);
  void settle(Call& call, u64 now_ns);

  Session& session_;
  Pod& pod_;
  List calls_;  // the one that was quiet for longest first
  std::unordered_map<std::string_view, List::iterator> by_id_;
  size_t entries_ = 0;  // transactions and dialogs
  u64 serial_ = 0;
  u64 read_ns_ = 0;   // CLOCK_MONOTONIC of the last datagram that was taken
  u64 known_ns_ = 0;  // the same of a predecessor: up to here all is known
  u64 swept_ns_ = 0;
};

std::unique_ptr<PodState> make_calls(Session& session, Pod& pod);

}  // namespace clover::sip
