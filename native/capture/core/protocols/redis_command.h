// What the parser has to know of a command of Redis, and what a span says of it.
#pragma once

#include "resp.h"

namespace clover::redis {

// What a command does to the connection.
enum class Effect : u8 {
  none,
  subscribe,
  unsubscribe,
  monitor,
  select,
  multi,
  exec,
  discard,
  reset,
  replicate,
  reply_on,
  reply_off,
  reply_skip,
};

struct Command {
  Effect effect = Effect::none;
  std::string name;    // with its subcommand, as it was sent; empty where it looks like no name
  std::string kind;    // of a subscription: what confirms it
  std::string number;  // of the database that it selects
  u64 arguments = 0;
};

Command read_command(const RespValue& value);
void describe(Request& request, const Command& command, const RespValue& value);

// Whether values begin here: yes once one is whole and nothing is wrong. `commands`: from a client, arrays alone.
Verdict detect_values(std::string_view bytes, bool commands);

bool is_name(std::string_view text);
// Whether it is the name of a command that clients use.
bool is_known(std::string_view name);
// Whether such a name begins like this.
bool may_be_known(std::string_view start);
// The name of a command in capitals, with its subcommand, for what has to be of few kinds: `_OTHER` where it is not known.
std::string known_name(std::string_view name);

}  // namespace clover::redis
