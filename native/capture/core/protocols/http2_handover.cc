// What a successor has to know of the streams of an HTTP/2 connection.
#include "../request.h"
#include "http2_streams.h"

namespace clover {

void Http2Streams::hand_over(State& state, Unseen& range) {
  state.numbers(range.after, range.before);
  state.flag(range.hole);
}

void Http2Streams::hand_over(State& state, u32 stream, Exchange& exchange) {
  talk_.hand_over(state, exchange.request, Counted::yes);
  state.flags(exchange.sent, exchange.answered, exchange.grpc, exchange.vague);
  state.numbers(exchange.grpc_status, exchange.doubt_ns);
  state.text(exchange.path);
  state.require(exchange.request != nullptr && exchange.request->stream_id == stream);
}

void Http2Streams::hand_over(State& state) {
  for (Hpack& table : hpack_) table.hand_over(state);
  state.numbers(newest_, go_away_, max_frame_[0], max_frame_[1], next_doubt_ns_);
  state.flags(fresh_[0], fresh_[1]);
  state.list(unseen_, kMaxUnseen, [&](Unseen& range) { hand_over(state, range); });
  size_t streams = state.count(open_.size());
  state.require(streams <= kMaxStreams);
  if (!state.reads()) {
    for (auto& [stream, exchange] : open_) {
      u32 written = stream;
      state.number(written);
      hand_over(state, stream, exchange);
    }
  }
  for (size_t i = 0; state.reads() && i < streams && state.ok(); i++) {
    u32 stream = 0;
    state.number(stream);
    auto [at, fresh] = open_.try_emplace(stream);
    state.require(fresh);
    if (state.ok()) hand_over(state, stream, at->second);
    if (fresh && at->second.request == nullptr) open_.erase(at);
  }
  state.number(opening_stream_);
  talk_.hand_over(state, opening_, Counted::no);
  if (state.reads() && state.ok()) note_tables();
}

}  // namespace clover
