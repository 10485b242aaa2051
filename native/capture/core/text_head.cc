#include "text_head.h"

#include <algorithm>
#include <utility>

namespace clover {

size_t find_head_end(std::string_view bytes, size_t from) {
  size_t at = from > 2 ? from - 2 : 0;
  while ((at = bytes.find('\n', at)) != std::string_view::npos) {
    std::string_view after = bytes.substr(++at);
    if (after.substr(0, 1) == "\n") return at + 1;
    if (after.substr(0, 2) == "\r\n") return at + 2;
  }
  return 0;
}

u32 TextHead::read(Conversation& talk, const Piece& piece, Whole& out) {
  size_t old = gathered_.size();
  if (old == 0) {
    size_t end = find_head_end(piece.text(), 0);
    if (end > 0 && end <= kMaxHead) {
      out.block = piece.text().substr(0, end);
      return static_cast<u32>(end);
    }
  }
  size_t room = std::min<size_t>(piece.length, kMaxHead + 1 - old);
  gathered_.append(piece.text().substr(0, room));
  talk.pending(static_cast<i64>(room));
  size_t end = find_head_end(gathered_, old);
  if (end == 0 || end > kMaxHead) return static_cast<u32>(room);
  out.gathered = cut(talk);
  out.block = std::string_view(out.gathered).substr(0, end);
  return static_cast<u32>(end - old);
}

std::string TextHead::cut(Conversation& talk) {
  talk.pending(-static_cast<i64>(gathered_.size()));
  return std::exchange(gathered_, {});
}

void TextHead::hand_over(Conversation& talk, State& state) {
  state.text(gathered_);
  state.require(gathered_.size() <= kMaxHead);
  if (!state.reads()) return;
  if (!state.ok()) gathered_.clear();
  talk.inherit(gathered_.size());
}

void TextHead::drop(Conversation& talk, const char* reason) {
  talk.skipped(reason, cut(talk).size());
}

}  // namespace clover
