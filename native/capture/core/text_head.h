// The head of a message that is lines of text, ended by an empty one: HTTP/1.x, SIP.
#pragma once

#include "conversation.h"

namespace clover {

inline constexpr size_t kMaxHead = 64 * 1024;

// Length of the head with its empty line, or 0 where it is not whole. `from` = bytes known not to end it.
size_t find_head_end(std::string_view bytes, size_t from);

// One head on its way. A head that is whole in one segment, the common case, is read where it lies; of others the bytes
// are gathered, and count as pending. Of what is behind the first kMaxHead bytes lines are kept that cannot be done without.
class TextHead {
 public:
  // A head that is whole: nobody has accounted for it yet.
  struct Whole {
    std::string_view block;  // empty: not whole; of the piece, else of `gathered`
    std::string gathered;    // here and not in the reader: idle connections keep no memory
    bool large = false;      // the block is the beginning of a longer head
    std::string kept;        // lines of the rest, which is accounted for as skipped
  };
  // Whether a line behind kMaxHead is needed. It may have no end, and be cut behind kMaxLine bytes.
  using Keeps = bool (*)(std::string_view line);

  // Takes bytes from the front of `piece`, and returns how many.
  u32 read(Conversation& talk, const Piece& piece, Whole& out, Keeps keeps = nullptr);
  // What was gathered of a head that is not whole.
  std::string_view partial() const { return gathered_; }
  bool too_long() const { return gathered_.size() == kMaxHead; }
  // Takes what was gathered, as it is: the caller accounts for it.
  std::string cut(Conversation& talk);
  // Tells a successor what was gathered, or learns it.
  void hand_over(Conversation& talk, State& state);
  // Gives it up: its bytes are skipped.
  void drop(Conversation& talk, const char* reason);

 private:
  static constexpr size_t kMaxLine = 256, kMaxKept = 1024;

  u32 read_rest(Conversation& talk, const Piece& piece, Whole& out, Keeps keeps);

  std::string gathered_;
  // Of a head that is too long: the beginning of the line in which it stands, and the lines that are kept.
  std::string line_, kept_;
};

}  // namespace clover
