// One connection of Redis.
#pragma once

#include <deque>

#include "redis.h"
#include "redis_command.h"

namespace clover::redis {

// Of one connection: requests that are followed at a time, what waits for a reply in all, and what does before it is told.
inline constexpr size_t kMaxOpen = 16'384, kMaxWaiting = 4 * kMaxOpen, kMaxUnproven = 64;

// A command that waits for its reply.
struct Open {
  Request* request = nullptr;  // null: it was one too many to be followed
  Command command;
  u64 confirmations = 0;  // of a subscription, still due; 0: all that there are
  u32 seq = 0;
  u64 more = 0;       // such commands behind it, which are not followed and do nothing to the connection
  bool begun = false;  // its reply has
};

class Redis final : public Parser {
 public:
  explicit Redis(Conversation& talk) : talk_(talk) {
    if (!talk.late()) database_ = "0";
    const Protocol* hint = talk.hint();
    proven_ = talk.late() || (hint != nullptr && hint->parser == make_redis);
  }

  u32 read(Side from, const Piece& piece) override;
  void join(Side from) override;
  void hole(Side from, u32 length, u64 time_ns) override;
  void end(Side from, u64 time_ns) override;
  void close(const char* cause, u64 time_ns) override;
  bool idle() const override { return open_.empty() && unproven_.empty(); }
  std::string_view handed_over_as() const override { return "redis"; }
  void hand_over(State& state) override;

 private:
  void hand_over(State& state, Open& one);
  void prove();
  RespReader& of(Side from) { return from == Side::client ? commands_ : replies_; }
  void take(Side from, const RespValue& value);
  void on_command(const RespValue& value);
  Request* begin(const Command& command, const RespValue& value);
  void await(Request* request, Command command, u32 seq);
  void on_reply(const RespValue& value);
  bool unpaired(const RespValue& value);
  void confirm(const std::string& kind, const RespValue& value);
  void pair(const RespValue& reply);
  void align(const Piece& piece);
  void orphan(const RespValue& reply);
  void apply(const Open& one, const RespValue& reply);
  void finish(const RespValue& reply);
  void interrupt_all(u64 time_ns);
  void lose_track(Side from, u64 time_ns);
  void lose_all(const char* cause);
  void fail_all(u64 time_ns);
  void stop(const char* reason);

  Conversation& talk_;
  RespReader commands_{&talk_, true}, replies_{&talk_, false};
  bool seeks_[2] = {false, false};  // waits for a segment that begins a message
  bool whole_ = true;               // all was seen from the first byte on
  bool proven_ = false;             // what was written by hand may be of something else until it is answered
  std::vector<RespValue> unproven_;
  std::deque<Open> open_;
  // Which reply belongs to which command is not known, but for so many commands that are open.
  bool unsure_ = false;
  size_t sure_ = 0;
  std::vector<RespValue> held_;  // replies until it is known
  bool missing_ = false;         // a hole may have held commands
  std::string database_;         // empty: not known
  bool in_multi_ = false, moves_ = false, silent_ = false, silent_once_ = false, monitors_ = false;
  u64 batch_ = 0;
  i64 channels_ = 0, patterns_ = 0;
};

}  // namespace clover::redis
