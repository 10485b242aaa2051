// What a successor has to know of a connection of HTTP/1.x.
#include <algorithm>

#include "http1_parser.h"

namespace clover::http1 {
namespace {

// Requests of one connection without an answer; where there are more it has to find its own way in.
constexpr size_t kMaxQueue = 4096;

}  // namespace

void Http1::hand_over(State& state, Messages& mine) {
  state.choice(mine.phase, Phase::body);
  state.flag(mine.ended);
  mine.head.hand_over(talk_, state);
  mine.body.hand_over(state);
  clover::hand_over(state, mine.first);
  // One that is in the queue, or not in it yet.
  auto at = std::find(queue_.begin(), queue_.end(), mine.current);
  auto place = static_cast<u32>(at - queue_.begin());
  state.number(place);
  bool answers = place < queue_.size();
  state.require(place <= queue_.size());
  if (!answers) talk_.hand_over(state, mine.current, Counted::no);
  else if (state.reads()) mine.current = queue_[place];
  bool begun = !answers && mine.current != nullptr;
  state.require(begun == (is_request(mine) && mine.phase == Phase::head));
  // Only what begins from now on can be this session's.
  if (state.reads()) mine.foreign = true;
}

void Http1::hand_over(State& state) {
  state.list(queue_, kMaxQueue, [&](Request*& request) {
    talk_.hand_over(state, request, Counted::yes);
    state.require(request != nullptr);
  });
  // What is not sound is closed as it is.
  queue_.erase(std::remove(queue_.begin(), queue_.end(), nullptr), queue_.end());
  hand_over(state, asking_);
  hand_over(state, answering_);
  state.flags(doubt_, missing_requests_);
}

}  // namespace clover::http1
