#include "redis.h"

#include <algorithm>

#include "../attributes.h"
#include "../db_span.h"
#include "redis_parser.h"

namespace clover {
namespace redis {

u32 Redis::read(Side from, const Piece& given) {
  bool& seeks = seeks_[static_cast<size_t>(from)];
  if (seeks && detect_values(given.text(), from == Side::client) != Verdict::yes) {
    talk_.skipped("resync", given.length);
    return given.length;
  }
  seeks = false;
  RespReader& mine = of(from);
  Piece piece = given;
  while (piece.length > 0 && talk_.stopped() == nullptr) {
    piece.drop(mine.read(piece));
    if (mine.done()) {
      take(from, mine.value());
    } else if (mine.failed() != nullptr) {
      if (whole_) {
        // It was taken for Redis because it is nothing else that is known.
        stop(talk_.ordinals() == 0 ? "unrecognised" : mine.failed());
        break;
      }
      // What was taken for a value after a hole was none.
      lose_track(from, piece.time_ns);
      talk_.skipped("resync", piece.length);
      return given.length;
    }
  }
  if (from == Side::server && unsure_ && talk_.stopped() == nullptr) align(given);
  return given.length - piece.length;
}

void Redis::take(Side from, const RespValue& value) {
  bool by_hand = from == Side::client && value.type != '*';
  if (!proven_ && by_hand && unproven_.size() < kMaxUnproven) return unproven_.push_back(value);
  if (!proven_) {
    if (by_hand || (from == Side::server && unproven_.empty())) return stop("unrecognised");
    prove();
  }
  if (from == Side::client) on_command(value);
  else on_reply(value);
}

void Redis::prove() {
  proven_ = true;
  for (const RespValue& command : std::exchange(unproven_, {})) on_command(command);
}

void Redis::on_command(const RespValue& value) {
  // Empty lines and empty arrays are no commands.
  if (value.count < 1 || value.parts.empty()) return;
  Command command = read_command(value);
  Request* request = begin(command, value);
  if (in_multi_) batch_++;
  if (command.effect == Effect::multi) {
    in_multi_ = true;
    batch_ = 0;
  } else if (command.effect == Effect::exec || command.effect == Effect::discard) {
    in_multi_ = false;
  }
  if (command.effect == Effect::reply_on) silent_ = silent_once_ = false;
  bool silent = silent_ || std::exchange(silent_once_, false) || command.effect == Effect::reply_skip ||
                command.effect == Effect::reply_off;
  if (command.effect == Effect::reply_off) silent_ = true;
  if (command.effect == Effect::reply_skip) silent_once_ = true;
  if (silent) {
    if (command.effect == Effect::select) database_ = command.number;
    if (request == nullptr) return;
    db::describe_end(*request, database_, {}, {});
    return talk_.finish(request, value.end_ns, false);
  }
  await(request, std::move(command), value.first.seq);
}

// Null where it is one too many to be followed, which only counts.
Request* Redis::begin(const Command& command, const RespValue& value) {
  if (open_.size() >= kMaxOpen) {
    if (talk_.owns(value.first)) talk_.missed("too_many_open");
    return nullptr;
  }
  Request* request = talk_.begin(value.first, Side::client);
  describe(*request, command, value);
  request->incomplete = value.cut;
  if (command.effect == Effect::exec && in_multi_ && batch_ != 1)
    Attributes(request->attributes).number("db.operation.batch.size", batch_);
  talk_.observe(request);
  talk_.count(request);
  return request;
}

// Followed or not, its reply needs a place.
void Redis::await(Request* request, Command command, u32 seq) {
  bool plain = request == nullptr && command.effect == Effect::none;
  Open* last = open_.empty() ? nullptr : &open_.back();
  // Where it has to be told which of them the server had received, each has a place of its own.
  if (plain && !unsure_ && last != nullptr && last->request == nullptr && last->command.effect == Effect::none) {
    last->more++;
    return;
  }
  if (open_.size() >= kMaxWaiting) return stop("too_many_open");
  u64 confirmations =
      command.effect == Effect::subscribe || command.effect == Effect::unsubscribe ? command.arguments : 0;
  open_.push_back({request, plain ? Command{} : std::move(command), confirmations, seq});
}

// What the server says without being asked, or not as an answer of its own.
bool Redis::unpaired(const RespValue& value) {
  if (value.type == '+' && monitors_ && !value.parts.empty() && !value.parts[0].empty() &&
      value.parts[0][0] >= '0' && value.parts[0][0] <= '9')
    return true;
  bool push = value.type == '>';
  if ((!push && value.type != '*') || value.parts.empty()) return push;
  const std::string& kind = value.parts[0];
  for (std::string_view one :
       {"subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe"}) {
    if (kind != one || value.count != 3) continue;
    bool due = !open_.empty() && open_.front().command.kind == kind;
    // Servers end a subscription by themselves, too.
    if (due) confirm(kind, value);
    if (due || push) return true;
  }
  bool message = kind == "message" || kind == "pmessage" || kind == "smessage";
  return push || (message && (channels_ + patterns_ > 0 || open_.empty()));
}

void Redis::confirm(const std::string& kind, const RespValue& value) {
  Open& one = open_.front();
  one.begun = true;
  if (one.request != nullptr) one.request->answered(value.first);
  i64 total = value.parts.size() > 2 ? std::strtoll(value.parts[2].c_str(), nullptr, 10) : 0;
  total = std::clamp<i64>(total, 0, i64{1} << 32);
  bool patterns = kind[0] == 'p', shards = kind[1] == 's';
  i64 left = total;
  if (!shards) {
    // Both are counted together.
    left = std::max<i64>(total - (patterns ? channels_ : patterns_), 0);
    (patterns ? patterns_ : channels_) = left;
  }
  bool last = one.confirmations > 0 ? --one.confirmations == 0 : left == 0;
  if (last) finish(value);
}

void Redis::on_reply(const RespValue& value) {
  if (unpaired(value)) return;
  // What a subscription is confirmed by has come: this answers the next command.
  while (!open_.empty() && !open_.front().command.kind.empty() && open_.front().begun && open_.front().confirmations == 0)
    finish(value);
  if (!unsure_ || sure_ > 0) pair(value);
  else if (held_.size() < kMaxOpen) held_.push_back(value);
  else interrupt_all(value.end_ns);
}

void Redis::pair(const RespValue& reply) {
  if (open_.empty()) return orphan(reply);
  if (sure_ > 0) sure_--;
  if (Request* request = open_.front().request; request != nullptr) request->answered(reply.first);
  finish(reply);
}

// A server that has answered all that it was sent has given the latest replies to the latest commands.
void Redis::align(const Piece& piece) {
  if (sure_ > 0 || held_.empty() || !replies_.at_start()) return;
  auto due = static_cast<size_t>(std::count_if(open_.begin(), open_.end(), [&](const Open& one) {
    return !piece.has_ack || seq_diff(piece.ack, one.seq) > 0;
  }));
  if (held_.size() < due) return;
  std::vector<RespValue> held = std::move(held_);
  held_.clear();
  size_t early = held.size() - due;
  for (size_t i = 0; i < early; i++) orphan(held[i]);
  if (due == 0) return;
  unsure_ = missing_ = false;
  for (size_t i = early; i < held.size(); i++) pair(held[i]);
}

// A reply whose command was not seen.
void Redis::orphan(const RespValue& reply) {
  if (!talk_.owns(reply.first)) return;
  if (missing_) talk_.missed("hole");
  else if (talk_.late() && !talk_.shadowed() && talk_.ordinals() == open_.size())
    talk_.missed("before_attach");
}

// What an answered command has changed.
void Redis::apply(const Open& one, const RespValue& reply) {
  bool failed = !reply.error.empty();
  bool queued = reply.type == '+' && !reply.parts.empty() && reply.parts[0] == "QUEUED";
  switch (one.command.effect) {
    case Effect::select:
      if (queued) moves_ = true;
      else if (!failed) database_ = one.command.number;
      break;
    case Effect::exec:
      if (std::exchange(moves_, false)) database_.clear();
      break;
    case Effect::discard:
      moves_ = false;
      break;
    case Effect::reset:
      if (failed) break;
      database_ = "0";
      monitors_ = in_multi_ = false;
      channels_ = patterns_ = 0;
      break;
    case Effect::monitor:
      monitors_ = !failed;
      break;
    case Effect::replicate:
      if (!failed) stop("replication");
      break;
    default:
      break;
  }
}

void Redis::finish(const RespValue& reply) {
  if (open_.front().more > 0) {
    open_.front().more--;
    return;
  }
  Open one = std::move(open_.front());
  open_.pop_front();
  if (one.request == nullptr) return apply(one, reply);
  // The prefix of an error, in capital letters, says its kind; the rest is for people.
  std::string_view code = std::string_view(reply.error).substr(0, reply.error.find(' '));
  if (!code.empty() && !is_name(code)) code = "ERR";
  db::describe_end(*one.request, database_, code, {});
  talk_.finish(one.request, std::max(reply.end_ns, one.request->start_ns), !code.empty());
  apply(one, reply);
}

void Redis::lose_all(const char* cause) {
  for (; !open_.empty(); open_.pop_front())
    if (Request* request = open_.front().request; request != nullptr) db::lose(talk_, request, database_, {}, cause);
  held_.clear();
  unproven_.clear();
  sure_ = 0;
}

// Replies were not seen: nobody knows how what is open has ended, nor what it has changed.
void Redis::interrupt_all(u64 time_ns) {
  for (; !open_.empty(); open_.pop_front()) {
    if (Request* request = open_.front().request; request != nullptr) db::interrupt(talk_, request, database_, time_ns);
    if (open_.front().command.effect != Effect::none) database_.clear();
  }
  held_.clear();
  sure_ = 0;
}

void Redis::fail_all(u64 time_ns) {
  for (; !open_.empty(); open_.pop_front())
    if (Request* request = open_.front().request; request != nullptr) db::fail(talk_, request, database_, time_ns);
}

void Redis::stop(const char* reason) {
  talk_.stop(reason);
  lose_all(reason);
}

// What comes next from this end may begin anywhere.
void Redis::lose_track(Side from, u64 time_ns) {
  whole_ = false;
  unproven_.clear();
  of(from).reset();
  seeks_[static_cast<size_t>(from)] = true;
  if (from == Side::client) {
    // What is open was sent before, and is answered in order.
    if (!unsure_)
      for (const Open& one : open_) sure_ += 1 + one.more;
    missing_ = true;
    database_.clear();
    in_multi_ = false;
  } else {
    interrupt_all(time_ns);
  }
  unsure_ = true;
}

void Redis::join(Side from) {
  whole_ = false;
  proven_ = true;
  seeks_[static_cast<size_t>(from)] = unsure_ = true;
}

void Redis::hole(Side from, u32 length, u64 time_ns) {
  RespReader& mine = of(from);
  bool seeks = seeks_[static_cast<size_t>(from)];
  if (seeks || !mine.skip(length, time_ns)) return lose_track(from, time_ns);
  if (mine.done()) take(from, mine.value());
}

void Redis::end(Side from, u64 time_ns) {
  if (from == Side::server) fail_all(time_ns);
}

void Redis::close(const char* cause, u64 time_ns) {
  if (cause != nullptr) lose_all(cause);
  fail_all(time_ns);
}

}  // namespace redis

std::unique_ptr<Parser> make_redis(Conversation& conversation) {
  return std::make_unique<redis::Redis>(conversation);
}

}  // namespace clover
