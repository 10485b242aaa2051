// The head of a message that is lines of text, ended by an empty one: HTTP/1.x, SIP.
#pragma once

#include "conversation.h"

namespace clover {

inline constexpr size_t kMaxHead = 64 * 1024;

// Length of the head with its empty line, or 0 where it is not whole. `from` = bytes known not to end it.
size_t find_head_end(std::string_view bytes, size_t from);

// One head on its way. A head that is whole in one segment, the common case, is read where it lies; of others the bytes
// are gathered, and count as pending.
class TextHead {
 public:
  // A head that is whole: nobody has accounted for it yet.
  struct Whole {
    std::string_view block;  // empty: not whole; of the piece, else of `gathered`
    std::string gathered;    // here and not in the reader: idle connections keep no memory
  };

  // Takes bytes from the front of `piece`, and returns how many.
  u32 read(Conversation& talk, const Piece& piece, Whole& out);
  // What was gathered of a head that is not whole.
  std::string_view partial() const { return gathered_; }
  bool too_long() const { return gathered_.size() > kMaxHead; }
  // Takes what was gathered, as it is: the caller accounts for it.
  std::string cut(Conversation& talk);
  // Tells a successor what was gathered, or learns it.
  void hand_over(Conversation& talk, State& state);
  // Gives it up: its bytes are skipped.
  void drop(Conversation& talk, const char* reason);

 private:
  std::string gathered_;
};

}  // namespace clover
