#include "framing.h"

#include <algorithm>

namespace clover {
namespace {

// More than any protocol reads of a frame.
constexpr u64 kMaxKept = 128 * 1024;
// What a buffer that holds nothing may keep for the next frame: nobody counts it.
constexpr size_t kMaxSpare = 1024;

}  // namespace

u32 FrameReader::read(const Piece& given) {
  Piece piece = given;
  while (piece.length > 0 && sound_) {
    if (got_ == 0) {
      first_ = piece;
      first_.data = nullptr;
      first_.length = 0;
    }
    size_t wanted = sized_ ? size_of_.keep : header_bytes_;
    if (got_ < wanted) {
      auto n = static_cast<u32>(std::min<u64>(wanted - got_, piece.length));
      kept_.append(piece.text().substr(0, n));
      talk_.pending(n);
      got_ += n;
      piece.drop(n);
      if (got_ < wanted) break;
      if (!sized_) {
        auto size = size_(kept_);
        if (!size || size->total < header_bytes_) {
          sound_ = false;
          break;
        }
        size_of_ = *size;
        size_of_.keep = static_cast<size_t>(
            std::min<u64>(std::max(size_of_.keep, header_bytes_), size_of_.total));
        sized_ = true;
        sparing_.begin();
        if (got_ < size_of_.keep) continue;
      }
    } else {
      auto n = static_cast<u32>(std::min<u64>(size_of_.total - got_, piece.length));
      talk_.parsed(n);
      got_ += n;
      piece.drop(n);
    }
    if (got_ < size_of_.total) {
      // The last byte tells when the frame has ended, and is read.
      sparing_.spare(talk_, from_, piece.seq, size_of_.total - got_ - 1);
    } else if (!end(piece.time_ns)) {
      break;
    }
  }
  give_back();
  return given.length - piece.length;
}

// Not while a frame is taken: it may be in either of them.
void FrameReader::give_back() {
  if (taken_.capacity() > kMaxSpare) std::string().swap(taken_);
  if (kept_.empty() && kept_.capacity() > kMaxSpare) std::string().swap(kept_);
}

bool FrameReader::end(u64 time_ns) {
  talk_.pending(-static_cast<i64>(kept_.size()));
  talk_.parsed(kept_.size());
  // Whoever takes it may reset the reader: what is taken is kept no more.
  taken_.swap(kept_);
  kept_.clear();
  Frame frame{taken_, size_of_.total, first_, time_ns};
  got_ = 0;
  sized_ = false;
  return take_(frame);
}

bool FrameReader::skip(u64 length, u64 time_ns) {
  if (!sized_ || got_ < size_of_.keep || length > size_of_.total - got_) return false;
  got_ += length;
  if (got_ == size_of_.total) end(time_ns);
  give_back();
  return true;
}

void FrameReader::hand_over(State& state) {
  u64 keep = size_of_.keep;
  state.text(kept_);
  clover::hand_over(state, first_);
  state.numbers(got_, size_of_.total, keep);
  state.flag(sized_);
  if (!state.reads()) return;
  size_of_.keep = static_cast<size_t>(keep);
  u64 wanted = sized_ ? keep : header_bytes_;
  state.require(keep <= kMaxKept && kept_.size() == std::min(got_, wanted));
  state.require(sized_ ? keep >= header_bytes_ && keep <= size_of_.total && got_ < size_of_.total : got_ < header_bytes_);
  if (!state.ok()) kept_.clear();
  talk_.inherit(kept_.size());
}

void FrameReader::reset(const char* reason) {
  talk_.pending(-static_cast<i64>(kept_.size()));
  talk_.skipped(reason, kept_.size());
  kept_.clear();
  got_ = 0;
  sized_ = false;
  sound_ = true;
}

}  // namespace clover
