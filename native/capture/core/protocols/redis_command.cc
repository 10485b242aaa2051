#include "redis_command.h"

#include <algorithm>

#include "../attributes.h"
#include "../db_span.h"

namespace clover::redis {
namespace {

constexpr size_t kMaxName = 32, kMaxShown = 4;

// Their first argument is a part of the command.
constexpr std::string_view kContainers[] = {"ACL",      "CLIENT",   "CLUSTER", "COMMAND", "CONFIG", "DEBUG",
                                            "FUNCTION", "LATENCY",  "MEMORY",  "MODULE",  "OBJECT", "PUBSUB",
                                            "SCRIPT",   "SENTINEL", "SLOWLOG", "XGROUP",  "XINFO"};

// With a blank on either side of each.
constexpr std::string_view kNames =
    " APPEND AUTH BITCOUNT BITFIELD BITOP BITPOS BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX "
    " BZPOPMIN CLIENT CLUSTER COMMAND CONFIG COPY DBSIZE DECR DECRBY DEL DISCARD DUMP ECHO EVAL "
    " EVAL_RO EVALSHA EVALSHA_RO EXEC EXISTS EXPIRE EXPIREAT EXPIRETIME FCALL FCALL_RO FLUSHALL "
    " FLUSHDB FUNCTION GEOADD GEODIST GEOHASH GEOPOS GEORADIUS GEOSEARCH GEOSEARCHSTORE GET GETBIT "
    " GETDEL GETEX GETRANGE GETSET HDEL HELLO HEXISTS HGET HGETALL HINCRBY HINCRBYFLOAT HKEYS HLEN "
    " HMGET HMSET HRANDFIELD HSCAN HSET HSETNX HSTRLEN HVALS INCR INCRBY INCRBYFLOAT INFO KEYS LINDEX "
    " LINSERT LLEN LMOVE LMPOP LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM MGET MIGRATE MOVE MSET "
    " MSETNX MULTI OBJECT PERSIST PEXPIRE PEXPIREAT PEXPIRETIME PFADD PFCOUNT PFMERGE PING PSETEX "
    " PSUBSCRIBE PTTL PUBLISH PUBSUB PUNSUBSCRIBE QUIT RENAME RENAMENX REPLCONF RESTORE RPOP RPOPLPUSH "
    " RPUSH RPUSHX SADD SCAN SCARD SCRIPT SDIFF SDIFFSTORE SELECT SET SETBIT SETEX SETNX SETRANGE "
    " SINTER SINTERCARD SINTERSTORE SISMEMBER SMEMBERS SMISMEMBER SMOVE SORT SORT_RO SPOP SPUBLISH "
    " SRANDMEMBER SREM SSCAN SSUBSCRIBE STRLEN SUBSCRIBE SUNION SUNIONSTORE SUNSUBSCRIBE TIME TOUCH "
    " TTL TYPE UNLINK UNSUBSCRIBE UNWATCH WAIT WATCH XACK XADD XAUTOCLAIM XCLAIM XDEL XGROUP XINFO "
    " XLEN XPENDING XRANGE XREAD XREADGROUP XREVRANGE XTRIM ZADD ZCARD ZCOUNT ZDIFF ZINCRBY ZINTER "
    " ZINTERSTORE ZMPOP ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE "
    " ZRANGESTORE ZRANK ZREM ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYSCORE ZREVRANK "
    " ZSCAN ZSCORE ZUNION ZUNIONSTORE ";

struct Known {
  std::string_view name;
  Effect effect;
};

constexpr Known kEffects[] = {{"DISCARD", Effect::discard},
                              {"EXEC", Effect::exec},
                              {"MONITOR", Effect::monitor},
                              {"MULTI", Effect::multi},
                              {"PSUBSCRIBE", Effect::subscribe},
                              {"PSYNC", Effect::replicate},
                              {"PUNSUBSCRIBE", Effect::unsubscribe},
                              {"RESET", Effect::reset},
                              {"SELECT", Effect::select},
                              {"SSUBSCRIBE", Effect::subscribe},
                              {"SUBSCRIBE", Effect::subscribe},
                              {"SUNSUBSCRIBE", Effect::unsubscribe},
                              {"SYNC", Effect::replicate},
                              {"UNSUBSCRIBE", Effect::unsubscribe}};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

bool is_container(std::string_view name) {
  return std::find(std::begin(kContainers), std::end(kContainers), name) != std::end(kContainers);
}

}  // namespace

// A command that nobody has heard of is told too, as long as its name cannot be a value.
bool is_name(std::string_view text) {
  auto part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  bool letter = !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z'));
  return letter && text.size() <= kMaxName && std::all_of(text.begin(), text.end(), part);
}

bool is_known(std::string_view name) {
  return is_name(name) && kNames.find(" " + upper(name) + " ") != std::string_view::npos;
}

bool may_be_known(std::string_view start) {
  return start.empty() || (is_name(start) && kNames.find(" " + upper(start)) != std::string_view::npos);
}

std::string known_name(std::string_view name) {
  std::string_view command = name.substr(0, name.find(' '));
  bool container = is_container(upper(command));
  auto same = [&](const Known& one) { return one.name == upper(command); };
  bool has_effect = std::any_of(std::begin(kEffects), std::end(kEffects), same);
  return is_known(command) || container || has_effect ? upper(name) : "_OTHER";
}

Command read_command(const RespValue& value) {
  Command command;
  const auto& parts = value.parts;
  if (parts.empty() || !is_name(parts[0])) return command;
  command.arguments = static_cast<u64>(value.count) - 1;
  command.name = parts[0];
  std::string name = upper(parts[0]);
  if (is_container(name) && parts.size() > 1 && is_name(parts[1])) {
    command.name.append(" ").append(parts[1]);
    command.arguments--;
  }
  for (const Known& known : kEffects)
    if (known.name == name) command.effect = known.effect;
  if (command.effect == Effect::subscribe || command.effect == Effect::unsubscribe) {
    command.kind = name;
    for (char& c : command.kind) c = static_cast<char>(c + 32);
  }
  if (command.effect == Effect::select && parts.size() == 2) command.number = parts[1];
  if (name == "CLIENT" && parts.size() > 2 && upper(parts[1]) == "REPLY") {
    std::string mode = upper(parts[2]);
    command.effect = mode == "OFF"    ? Effect::reply_off
                     : mode == "SKIP" ? Effect::reply_skip
                     : mode == "ON"   ? Effect::reply_on
                                      : Effect::none;
  }
  return command;
}

void describe(Request& request, const Command& command, const RespValue& value) {
  db::describe_system(request, "redis");
  request.name.assign(command.name.empty() ? std::string_view("redis") : std::string_view(command.name));
  if (command.name.empty()) return;
  Attributes out(request.attributes);
  out.text("db.operation.name", command.name);
  // Keys and values stay where they are, and so does their number where it is large.
  std::string text = command.name;
  for (u64 i = 0; i < std::min<u64>(command.arguments, kMaxShown); i++) text.append(" ?");
  if (command.arguments > kMaxShown) text.append(" ...");
  out.text("db.query.text", text);
  std::string name = upper(value.parts[0]);
  bool script = name == "EVALSHA" || name == "EVALSHA_RO" || name == "FCALL" || name == "FCALL_RO";
  if (script && value.parts.size() > 1 && value.parts[1].size() < 64) {
    const std::string& procedure = value.parts[1];
    bool plain = std::all_of(procedure.begin(), procedure.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    });
    if (plain) out.text("db.stored_procedure.name", procedure);
  }
}

}  // namespace clover::redis
