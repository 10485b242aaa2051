// What a successor has to know of a connection of PostgreSQL: what was prepared, and what waits for its answer.
#include "postgresql_parser.h"

namespace clover::pg {

void Postgresql::hand_over(State& state, Sent& sent) {
  state.choice(sent.kind, Kind::sync);
  bool asks = sent.kind == Kind::query || sent.kind == Kind::function || sent.kind == Kind::execute;
  talk_.hand_over(state, sent.request, asks ? Counted::yes : Counted::no);
  db::hand_over(state, sent.query);
  state.text(sent.name);
  state.text(sent.code);
  state.numbers(sent.seq, sent.end_ns, sent.more);
  state.require(sent.kind == Kind::sync || asks == (sent.request != nullptr));
}

void Postgresql::hand_over(State& state) {
  for (FrameReader* frames : {&opening_, &asking_, &answering_}) frames->hand_over(state);
  // One more ends what is open behind a hole.
  state.list(sent_, kMaxOpen + 1, [&](Sent& sent) { hand_over(state, sent); });
  for (db::Statements* names : {&statements_, &portals_}) names->hand_over(state);
  talk_.hand_over(state, group_, Counted::no);
  db::hand_over(state, group_query_);
  state.flags(opens_, seeks_[0], seeks_[1], whole_, unsure_, begins_, unknown_, missing_, shedding_, aborting_, copying_);
  state.number(waits_);
  state.text(abort_code_);
  state.text(database_);
  state.choice(escapes_, sql::Escapes::unknown);
}

}  // namespace clover::pg
