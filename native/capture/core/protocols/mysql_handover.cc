// What a successor has to know of a connection of MySQL: what both ends have agreed on, what was prepared, and what waits for its
// answer.
#include "mysql_parser.h"

namespace clover::mysql {

void Mysql::hand_over(State& state, Sent& sent) {
  auto command = static_cast<u8>(sent.command);
  state.number(command);
  sent.command = static_cast<Command>(command);
  talk_.hand_over(state, sent.request, Counted::yes);
  db::hand_over(state, sent.query);
  state.text(sent.database);
  state.numbers(sent.seq, sent.next, sent.left, sent.columns);
  state.choice(sent.stage, Stage::upload);
  bool counts = sent.stage == Stage::columns || sent.stage == Stage::parameters;
  state.require(!counts || (sent.left > 0 && sent.left <= kMaxColumns));
}

void Mysql::hand_over(State& state) {
  for (FrameReader* frames : {&asking_, &answering_}) frames->hand_over(state);
  // One more stands for a command that nobody saw.
  state.list(sent_, kMaxWaiting + 1, [&](Sent& sent) { hand_over(state, sent); });
  statements_.hand_over(state);
  db::hand_over(state, last_prepared_);
  bool mariadb = system_ == "mariadb";
  state.choice(phase_, Phase::commands);
  state.flags(seeks_[0], seeks_[1], whole_, missing_, continues_[0], continues_[1], known_, mariadb);
  state.number(capabilities_);
  state.text(database_);
  state.choice(escapes_, sql::Escapes::unknown);
  if (mariadb) system_ = "mariadb";
}

}  // namespace clover::mysql
