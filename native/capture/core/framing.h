// Cuts the bytes of one end into frames that say their length in a header: most binary protocols.
#pragma once

#include <functional>
#include <optional>

#include "sparing.h"

namespace clover {

// What the header of a frame says, the header itself included in both.
struct FrameSize {
  u64 total = 0;
  size_t keep = 0;  // how much of its beginning is read; the rest is stepped over
};

// A frame of which the last byte has come.
struct Frame {
  std::string_view kept;  // valid during the call
  u64 total = 0;
  Piece first;  // what carried its first byte, without the bytes
  u64 end_ns = 0;
};

// The frames of one end of a conversation. Bytes of frames count as parsed, those of the open frame's beginning as pending.
class FrameReader {
 public:
  // Nothing where the header is none of the protocol's.
  using Size = std::function<std::optional<FrameSize>(std::string_view header)>;
  // False ends the reading: the conversation was stopped or handed on.
  using Take = std::function<bool(const Frame& frame)>;

  FrameReader(Conversation& talk, Side from, size_t header_bytes, Size size, Take take)
      : talk_(talk), from_(from), header_bytes_(header_bytes), size_(std::move(size)), take_(std::move(take)) {}

  // Returns how many bytes were taken. `sound()` is false once a header was wrong; the rest is not taken then.
  u32 read(const Piece& piece);
  // Steps over a hole; false where the framing is lost by it.
  bool skip(u64 length, u64 time_ns);
  bool sound() const { return sound_; }
  // Between frames.
  bool at_start() const { return got_ == 0; }
  // The first byte of the open frame.
  const Piece& first() const { return first_; }
  // Tells a successor how far the open frame has come, or learns it. Not within a frame that is being taken.
  void hand_over(State& state);
  // Forgets the open frame; its kept bytes are skipped with this reason. Goes on at the start of a frame.
  void reset(const char* reason);

 private:
  bool end(u64 time_ns);
  void give_back();

  Conversation& talk_;
  Side from_;
  size_t header_bytes_;
  Size size_;
  Take take_;
  std::string kept_, taken_;
  Piece first_;
  FrameSize size_of_;
  Sparing sparing_;
  bool sized_ = false, sound_ = true;
  u64 got_ = 0;
};

}  // namespace clover
