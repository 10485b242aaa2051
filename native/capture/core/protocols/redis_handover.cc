// What a successor has to know of a connection of Redis: its modes, and the commands that wait for their replies.
#include "redis_parser.h"

namespace clover {
namespace redis {

void Redis::hand_over(State& state, Open& one) {
  state.choice(one.command.effect, Effect::reply_skip);
  for (std::string* text : {&one.command.name, &one.command.kind, &one.command.number}) state.text(*text);
  state.numbers(one.command.arguments, one.confirmations, one.seq, one.more);
  state.flag(one.begun);
  talk_.hand_over(state, one.request, Counted::yes);
}

void Redis::hand_over(State& state) {
  for (RespReader* reader : {&commands_, &replies_}) reader->hand_over(state);
  state.list(open_, kMaxWaiting, [&](Open& one) { hand_over(state, one); });
  state.list(unproven_, kMaxUnproven, [&](RespValue& value) { clover::hand_over(state, value); });
  state.list(held_, kMaxWaiting, [&](RespValue& value) { clover::hand_over(state, value); });
  state.flags(seeks_[0], seeks_[1], whole_, proven_, unsure_, missing_, in_multi_, moves_, silent_, silent_once_, monitors_);
  u64 sure = sure_;
  state.numbers(sure, batch_, channels_, patterns_);
  state.text(database_);
  sure_ = static_cast<size_t>(sure);
  state.require(sure_ <= kMaxWaiting);
}

}  // namespace redis

void hand_over(State& state, RespValue& value) {
  auto type = static_cast<u8>(value.type);
  state.numbers(type, value.count);
  value.type = static_cast<char>(type);
  state.list(value.parts, kMaxRespParts, [&](std::string& part) { state.text(part); });
  state.text(value.error);
  state.flag(value.cut);
  hand_over(state, value.first);
  state.number(value.end_ns);
}

void RespReader::hand_over(State& state, Level& level) {
  state.number(level.left);
  state.flags(level.attribute, level.open);
  state.require(level.left > 0);
}

void RespReader::hand_over(State& state) {
  if (done_) reset();
  clover::hand_over(state, value_);
  state.list(levels_, kMaxRespDepth, [&](Level& level) { hand_over(state, level); });
  u64 elements = elements_;
  state.numbers(elements, line_bytes_, left_, text_left_);
  state.text(line_);
  bool into = into_ != nullptr;
  state.flags(begun_, into, chunks_, bulk_error_);
  elements_ = static_cast<size_t>(elements);
  state.require(line_.size() <= line_bytes_ && text_left_ <= left_ && (!into || !value_.parts.empty()));
  if (state.reads()) into_ = into && state.ok() ? &value_.parts.back() : nullptr;
}

}  // namespace clover
