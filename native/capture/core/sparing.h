// What of a long run of bytes the kernel need not copy, as nobody reads it.
#pragma once

#include "conversation.h"

namespace clover {

// The runs of one end of a conversation.
class Sparing {
 public:
  // Nobody has to see the next `length` bytes from `seq` on. May be told again and again as they come.
  void spare(Conversation& talk, Side from, u32 seq, u64 length) {
    if (length < kLongRun || (sparing_ && seq_diff(until_, seq) > 0)) return;
    sparing_ = true;
    until_ = talk.unwanted(from, seq, length);
  }
  // Another run begins.
  void begin() { sparing_ = false; }

 private:
  // Less is not worth a call of the kernel: it would be over before it heard of it.
  static constexpr u64 kLongRun = 64 * 1024;

  bool sparing_ = false;
  u32 until_ = 0;  // what was told of, where it was
};

}  // namespace clover
