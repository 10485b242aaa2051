// Steps over a message body without keeping any of it.
#pragma once

#include "../state.h"
#include "http1_head.h"

namespace clover {

// Skips a message body by its framing and says where it ends; nothing of it is kept.
class BodyReader {
 public:
  void begin(Framing framing, u64 length);
  // Consumes up to `size` bytes and returns how many; stops at the body's end or at an error.
  size_t feed(const u8* data, size_t size);
  // Steps over a hole of n bytes; false where the framing is lost by it.
  bool skip(u64 n);
  bool done() const { return state_ == State::done; }
  bool failed() const { return state_ == State::failed; }
  bool until_close() const { return state_ == State::until_close; }
  // Bytes of payload that follow for sure, before anything that has to be read.
  u64 run() const { return state_ == State::length || state_ == State::chunk_data ? left_ : 0; }
  // Payload bytes so far, without chunk framing.
  u64 size() const { return size_; }
  void hand_over(clover::State& state);

 private:
  enum class State : u8 {
    done, failed, length, until_close,
    chunk_size, chunk_extension, chunk_size_end, chunk_data, chunk_data_end, chunk_data_lf,
    trailer_start, trailer_line, trailer_end,
  };
  void step(u8 byte);
  void step_size(u8 byte);

  State state_ = State::done;
  u8 digits_ = 0;
  u32 line_bytes_ = 0;
  u64 left_ = 0;
  u64 size_ = 0;
};

}  // namespace clover
