// Finds the frames of HTTP/2 in bytes that may begin anywhere.
#pragma once

#include <functional>
#include <vector>

#include "../piece.h"
#include "http2_frame_head.h"

namespace clover {

// Looks for a place where a frame begins for sure: heads that follow each other, over as many pieces as it takes.
class FrameSeeker {
 public:
  explicit FrameSeeker(Side from) : from_(from) {}

  // Takes the next bytes, and returns how many do not matter: all, unless found(). A frame begins behind them then.
  // `usual`: the longest frame to believe in.
  u32 look(std::string_view bytes, u32 usual);
  bool found() const { return found_; }

 private:
  // Heads in a row, of which the next is due after `wait` bytes.
  struct Row {
    u32 wait = 0;
    u8 count = 1;
    u8 got = 0;
    u8 head[kFrameHead] = {};
  };

  bool follow(Row& row, std::string_view bytes, u32 usual);
  void begin_rows(std::string_view bytes, u32 usual);
  u32 resume(u64 at, std::string_view bytes);

  Side from_;
  bool found_ = false;
  bool certain_ = false;  // only `left_` bytes are between
  u64 left_ = 0;
  std::vector<Row> rows_;
  std::string tail_;  // the last bytes: a head may begin in them
};

// Whether frames follow each other from the first byte on, up to the last one or to a sufficient number. Takes each whole one.
bool are_frames(std::string_view bytes, Side from, const std::function<void(const FrameHead&, std::string_view)>& take);

}  // namespace clover
