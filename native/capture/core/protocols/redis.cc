#include "redis.h"

#include <algorithm>
#include <deque>

#include "../attributes.h"
#include "../db_span.h"
#include "redis_command.h"

namespace clover {
namespace {

using redis::Command;
using redis::Effect;

constexpr size_t kMaxOpen = 4096;  // of one connection
constexpr size_t kMaxLine = 1024;

// A command that waits for its reply.
struct Open {
  Request* request;
  Command command;
  u64 confirmations;  // of a subscription, still due; 0: all that there are
};

class Redis final : public Parser {
 public:
  explicit Redis(Conversation& talk) : talk_(talk) {
    if (!talk.late()) database_ = "0";
  }

  u32 read(Side from, const Piece& piece) override;
  void join(Side from) override;
  void hole(Side from, u32 length, u64 time_ns) override;
  void end(Side from, u64 time_ns) override;
  void close(const char* cause, u64 time_ns) override;
  bool idle() const override { return open_.empty(); }

 private:
  RespReader& of(Side from) { return from == Side::client ? commands_ : replies_; }
  void take(Side from, const RespValue& value);
  void on_command(const RespValue& value);
  void on_reply(const RespValue& value);
  bool unpaired(const RespValue& value);
  void confirm(const std::string& kind, const RespValue& value);
  void pair(const RespValue& reply);
  void align(const Piece& piece);
  void orphan(const RespValue& reply);
  void apply(const Open& one, const RespValue& reply);
  void finish(const RespValue& reply);
  void lose_track(Side from);
  void lose_all(const char* cause);
  void fail_all(u64 time_ns);
  void stop(const char* reason);

  Conversation& talk_;
  RespReader commands_{&talk_, true}, replies_{&talk_, false};
  bool seeks_[2] = {false, false};  // waits for a segment that begins a message
  bool whole_ = true;               // all was seen from the first byte on
  std::deque<Open> open_;
  // Which reply belongs to which command is not known, but for so many commands that are open.
  bool unsure_ = false;
  size_t sure_ = 0;
  std::vector<RespValue> held_;  // replies until it is known
  bool missing_ = false;         // a hole may have held commands
  std::string database_;         // empty: not known
  bool in_multi_ = false, moves_ = false;
  u64 batch_ = 0;
  bool silent_ = false, silent_once_ = false;
  bool monitors_ = false;
  i64 channels_ = 0, patterns_ = 0;
};

// A command as one writes it by hand: a name that is known, and words. Maybe while its line is not whole.
Verdict detect_line(std::string_view bytes) {
  std::string_view line = bytes.substr(0, bytes.find('\n'));
  bool whole = line.size() < bytes.size();
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  bool plain = std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!plain || line.size() > kMaxLine) return Verdict::no;
  return !whole || redis::is_known(line.substr(0, line.find(' '))) ? Verdict::maybe : Verdict::no;
}

// Whether values begin here for sure: at least one is whole, and nothing is wrong.
bool are_values(std::string_view bytes, bool commands) {
  RespReader reader(nullptr, commands);
  Piece piece;
  piece.data = reinterpret_cast<const u8*>(bytes.data());
  piece.length = static_cast<u32>(bytes.size());
  size_t whole = 0;
  while (piece.length > 0 && reader.failed() == nullptr) {
    piece.drop(reader.read(piece));
    if (!reader.done()) continue;
    const RespValue& value = reader.value();
    if (commands && (value.type != '*' || value.count < 1 || !redis::is_name(value.parts[0]))) return false;
    whole++;
  }
  return reader.failed() == nullptr && whole > 0;
}

u32 Redis::read(Side from, const Piece& given) {
  bool& seeks = seeks_[static_cast<size_t>(from)];
  if (seeks && !are_values(given.text(), from == Side::client)) {
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
      lose_track(from);
      talk_.skipped("resync", piece.length);
      return given.length;
    }
  }
  if (from == Side::server && unsure_ && talk_.stopped() == nullptr) align(given);
  return given.length - piece.length;
}

void Redis::take(Side from, const RespValue& value) {
  if (from == Side::client) on_command(value);
  else on_reply(value);
}

void Redis::on_command(const RespValue& value) {
  // Empty lines and empty arrays are no commands.
  if (value.count < 1 || value.parts.empty()) return;
  if (open_.size() >= kMaxOpen) return stop("too_many_open");
  Command command = redis::read_command(value);
  Request* request = talk_.begin(value.first, Side::client);
  redis::describe(*request, command, value, talk_);
  request->incomplete = value.cut;
  if (command.effect == Effect::exec && in_multi_ && batch_ != 1)
    Attributes(request->attributes).number("db.operation.batch.size", batch_);
  if (in_multi_) batch_++;
  if (command.effect == Effect::multi) {
    in_multi_ = true;
    batch_ = 0;
  } else if (command.effect == Effect::exec || command.effect == Effect::discard) {
    in_multi_ = false;
  }
  talk_.observe(request);
  talk_.count(request);
  if (command.effect == Effect::reply_on) silent_ = silent_once_ = false;
  bool silent = silent_ || std::exchange(silent_once_, false) || command.effect == Effect::reply_skip ||
                command.effect == Effect::reply_off;
  if (command.effect == Effect::reply_off) silent_ = true;
  if (command.effect == Effect::reply_skip) silent_once_ = true;
  if (silent) {
    if (command.effect == Effect::select) database_ = command.number;
    db::describe_end(*request, database_, {}, {});
    return talk_.finish(request, value.end_ns, false);
  }
  u64 confirmations =
      command.effect == Effect::subscribe || command.effect == Effect::unsubscribe ? command.arguments : 0;
  open_.push_back({request, std::move(command), confirmations});
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
  one.request->answered(value.first);
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
  while (!open_.empty() && !open_.front().command.kind.empty() && open_.front().request->first_byte_ns != 0 &&
         open_.front().confirmations == 0)
    finish(value);
  if (!unsure_ || sure_ > 0) pair(value);
  else if (held_.size() < kMaxOpen) held_.push_back(value);
  else stop("too_many_open");
}

void Redis::pair(const RespValue& reply) {
  if (open_.empty()) return orphan(reply);
  if (sure_ > 0) sure_--;
  Open& one = open_.front();
  one.request->answered(reply.first);
  finish(reply);
}

// A server that has answered all that it was sent has given the latest replies to the latest commands.
void Redis::align(const Piece& piece) {
  if (sure_ > 0 || held_.empty() || !replies_.at_start()) return;
  auto due = static_cast<size_t>(std::count_if(open_.begin(), open_.end(), [&](const Open& one) {
    return !piece.has_ack || seq_diff(piece.ack, one.request->start_seq) > 0;
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
  Open one = std::move(open_.front());
  open_.pop_front();
  // The prefix of an error, in capital letters, says its kind; the rest is for people.
  std::string_view code = std::string_view(reply.error).substr(0, reply.error.find(' '));
  if (!code.empty() && !redis::is_name(code)) code = "ERR";
  db::describe_end(*one.request, database_, code, {});
  talk_.finish(one.request, std::max(reply.end_ns, one.request->start_ns), !code.empty());
  apply(one, reply);
}

void Redis::lose_all(const char* cause) {
  for (; !open_.empty(); open_.pop_front()) db::lose(talk_, open_.front().request, database_, {}, cause);
  held_.clear();
  sure_ = 0;
}

void Redis::fail_all(u64 time_ns) {
  for (; !open_.empty(); open_.pop_front()) db::fail(talk_, open_.front().request, database_, time_ns);
}

void Redis::stop(const char* reason) {
  talk_.stop(reason);
  lose_all(reason);
}

// What comes next from this end may begin anywhere.
void Redis::lose_track(Side from) {
  whole_ = false;
  of(from).reset();
  seeks_[static_cast<size_t>(from)] = true;
  if (from == Side::client) {
    // What is open was sent before, and is answered in order.
    if (!unsure_) sure_ = open_.size();
    missing_ = true;
    database_.clear();
    in_multi_ = false;
  } else {
    lose_all("hole");
  }
  unsure_ = true;
}

void Redis::join(Side from) {
  whole_ = false;
  seeks_[static_cast<size_t>(from)] = unsure_ = true;
}

void Redis::hole(Side from, u32 length, u64 time_ns) {
  RespReader& mine = of(from);
  bool seeks = seeks_[static_cast<size_t>(from)];
  if (seeks || !mine.skip(length, time_ns)) return lose_track(from);
  if (mine.done()) take(from, mine.value());
}

void Redis::end(Side from, u64 time_ns) {
  if (from == Side::server) fail_all(time_ns);
}

void Redis::close(const char* cause, u64 time_ns) {
  if (cause != nullptr) lose_all(cause);
  fail_all(time_ns);
}

}  // namespace

Verdict detect_redis(std::string_view bytes, Side from, Where where) {
  // A server says nothing before it is asked, and its replies alone could be those of others.
  if (from == Side::server) return Verdict::no;
  if (where == Where::hinted) {
    if (!bytes.empty() && bytes[0] != '*') return detect_line(bytes);
    return are_values(bytes, true) ? Verdict::yes : Verdict::no;
  }
  // A reply can be an array of strings, too: only a name that is known tells a command from it.
  if (where == Where::middle) {
    size_t name = std::min(bytes.find('\n', bytes.find('\n') + 1), bytes.size());
    std::string_view rest = bytes.substr(std::min(name + 1, bytes.size()));
    bool known = !bytes.empty() && bytes[0] == '*' && redis::is_known(rest.substr(0, rest.find('\r')));
    return known && are_values(bytes, true) ? Verdict::yes : Verdict::no;
  }
  if (!bytes.empty() && bytes[0] != '*') return Verdict::no;
  // `*3\r\n$3\r\nSET\r\n`: counts and lengths in a few digits, and a name behind them.
  size_t at = 1;
  auto number = [&](i64& out) {
    for (size_t digits = 0; at < bytes.size() && digits <= 7; at++, digits++) {
      char c = bytes[at];
      if (c >= '0' && c <= '9') out = out * 10 + (c - '0');
      else return digits > 0 && c == '\r' && (at + 1 >= bytes.size() || bytes[at + 1] == '\n');
    }
    return at >= bytes.size();
  };
  i64 count = 0, length = 0;
  if (!bytes.empty() && !number(count)) return Verdict::no;
  if (at + 2 >= bytes.size()) return Verdict::maybe;
  at += 2;
  if (count < 1 || bytes[at++] != '$' || !number(length)) return Verdict::no;
  if (at + 2 >= bytes.size()) return Verdict::maybe;
  at += 2;
  std::string_view name = bytes.substr(at, static_cast<size_t>(length));
  if (length < 1 || length > 32 || !redis::is_name(name)) return Verdict::no;
  std::string_view rest = bytes.substr(at + name.size(), 2);
  if (rest != std::string_view("\r\n").substr(0, rest.size())) return Verdict::no;
  return rest.size() == 2 ? Verdict::yes : Verdict::maybe;
}

std::unique_ptr<Parser> make_redis(Conversation& conversation) {
  return std::make_unique<Redis>(conversation);
}

}  // namespace clover
