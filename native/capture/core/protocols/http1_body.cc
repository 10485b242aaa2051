#include "http1_body.h"

#include "../text_head.h"

#include <algorithm>

namespace clover {
namespace {

constexpr u32 kMaxLine = 4096;
constexpr u8 kMaxDigits = 15;

int hex(u8 c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

void BodyReader::begin(Framing framing, u64 length) {
  size_ = 0;
  left_ = length;
  digits_ = 0;
  line_bytes_ = 0;
  switch (framing) {
    case Framing::none: state_ = State::done; break;
    case Framing::length: state_ = length > 0 ? State::length : State::done; break;
    case Framing::chunked: left_ = 0; state_ = State::chunk_size; break;
    case Framing::until_close: state_ = State::until_close; break;
  }
}

size_t BodyReader::feed(const u8* data, size_t size) {
  size_t at = 0;
  while (at < size && state_ != State::done && state_ != State::failed) {
    if (state_ == State::until_close) {
      size_ += size - at;
      return size;
    }
    if (state_ == State::length || state_ == State::chunk_data) {
      u64 n = std::min<u64>(left_, size - at);
      left_ -= n;
      size_ += n;
      at += n;
      if (left_ == 0) state_ = state_ == State::length ? State::done : State::chunk_data_end;
      continue;
    }
    step(data[at]);
    if (state_ != State::failed) at++;
  }
  return at;
}

void BodyReader::hand_over(clover::State& state) {
  state.choice(state_, State::trailer_end);
  state.numbers(digits_, line_bytes_, left_, size_);
}

bool BodyReader::skip(u64 n) {
  if (state_ == State::until_close) {
    size_ += n;
    return true;
  }
  if ((state_ != State::length && state_ != State::chunk_data) || n > left_) return false;
  left_ -= n;
  size_ += n;
  if (left_ == 0) state_ = state_ == State::length ? State::done : State::chunk_data_end;
  return true;
}

void BodyReader::step_size(u8 byte) {
  int digit = hex(byte);
  if (digit >= 0) {
    left_ = left_ << 4 | static_cast<u64>(digit);
    state_ = ++digits_ > kMaxDigits ? State::failed : State::chunk_size;
    return;
  }
  if (digits_ == 0) state_ = State::failed;
  else if (byte == ';' || byte == ' ' || byte == '\t') state_ = State::chunk_extension;
  else if (byte == '\r') state_ = State::chunk_size_end;
  else if (byte == '\n') state_ = left_ ? State::chunk_data : State::trailer_start;
  else state_ = State::failed;
  line_bytes_ = 0;
}

void BodyReader::step(u8 byte) {
  switch (state_) {
    case State::chunk_size: step_size(byte); break;
    case State::chunk_extension:
      if (byte == '\n') state_ = left_ ? State::chunk_data : State::trailer_start;
      else if (++line_bytes_ > kMaxLine) state_ = State::failed;
      break;
    case State::chunk_size_end:
      if (byte != '\n') state_ = State::failed;
      else state_ = left_ ? State::chunk_data : State::trailer_start;
      line_bytes_ = 0;
      break;
    case State::chunk_data_end:
      digits_ = 0;
      if (byte == '\r') state_ = State::chunk_data_lf;
      else state_ = byte == '\n' ? State::chunk_size : State::failed;
      break;
    case State::chunk_data_lf: state_ = byte == '\n' ? State::chunk_size : State::failed; break;
    case State::trailer_start:
      if (byte == '\r') state_ = State::trailer_end;
      else state_ = byte == '\n' ? State::done : State::trailer_line;
      break;
    case State::trailer_line:
      if (byte == '\n') state_ = State::trailer_start;
      else if (++line_bytes_ > kMaxHead) state_ = State::failed;
      break;
    case State::trailer_end: state_ = byte == '\n' ? State::done : State::failed; break;
    default: break;
  }
}

}  // namespace clover
