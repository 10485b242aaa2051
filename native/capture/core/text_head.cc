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

u32 TextHead::read(Conversation& talk, const Piece& piece, Whole& out, Keeps keeps) {
  if (too_long()) return read_rest(talk, piece, out, keeps);
  size_t old = gathered_.size();
  if (old == 0) {
    size_t end = find_head_end(piece.text(), 0);
    if (end > 0 && end <= kMaxHead) {
      out.block = piece.text().substr(0, end);
      return static_cast<u32>(end);
    }
  }
  size_t room = std::min<size_t>(piece.length, kMaxHead - old);
  gathered_.append(piece.text().substr(0, room));
  talk.pending(static_cast<i64>(room));
  size_t end = find_head_end(gathered_, old);
  if (end == 0) {
    if (too_long()) line_ = gathered_.substr(gathered_.rfind('\n') + 1, kMaxLine);
    return static_cast<u32>(room);
  }
  out.gathered = cut(talk);
  out.block = std::string_view(out.gathered).substr(0, end);
  return static_cast<u32>(end - old);
}

u32 TextHead::read_rest(Conversation& talk, const Piece& piece, Whole& out, Keeps keeps) {
  std::string_view rest = piece.text();
  bool ended = false;
  while (!rest.empty() && !ended) {
    size_t line = rest.find('\n');
    line_.append(rest.substr(0, line).substr(0, kMaxLine - line_.size()));
    rest.remove_prefix(std::min(line, rest.size() - 1) + 1);
    if (line == std::string_view::npos) break;
    ended = line_.empty() || line_ == "\r";
    if (keeps != nullptr && keeps(line_) && kept_.size() + line_.size() < kMaxKept)
      kept_.append(line_).push_back('\n');
    line_.clear();
  }
  auto taken = static_cast<u32>(piece.length - rest.size());
  talk.skipped("head_too_large", taken);
  if (!ended) return taken;
  out.large = true;
  out.kept = std::move(kept_);
  out.gathered = cut(talk);
  out.block = out.gathered;
  return taken;
}

std::string TextHead::cut(Conversation& talk) {
  line_.clear();
  kept_.clear();
  talk.pending(-static_cast<i64>(gathered_.size()));
  return std::exchange(gathered_, {});
}

void TextHead::hand_over(Conversation& talk, State& state) {
  state.text(gathered_);
  state.text(line_);
  state.text(kept_);
  state.require(gathered_.size() <= kMaxHead && line_.size() <= kMaxLine && kept_.size() <= kMaxKept);
  if (!state.reads()) return;
  if (!state.ok())
    for (std::string* text : {&gathered_, &line_, &kept_}) text->clear();
  talk.inherit(gathered_.size());
}

void TextHead::drop(Conversation& talk, const char* reason) {
  talk.skipped(reason, cut(talk).size());
}

}  // namespace clover
