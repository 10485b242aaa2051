// Cuts the bytes of one end of HTTP/2 into frames (RFC 9113 §4 and §6).
#pragma once

#include "../sparing.h"
#include "http2_seek.h"

namespace clover {

// RFC 9113 §3.4: what a client begins with.
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// The fragments of a header block, together.
struct HeaderBlock {
  FrameHead head;  // of its first frame
  Piece first;     // what carried the first byte of that, without the bytes
  std::string_view fragments;  // valid during the call
  bool cut = false;            // their end is missing
  u64 end_ns = 0;
};

// Some of the payload of a DATA frame.
struct DataPart {
  FrameHead head;
  u32 bytes = 0;      // without padding
  bool sized = true;  // false where the padding is not known
  bool last = false;
  u64 time_ns = 0;
};

// Who takes the frames.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // A block begins; block() follows unless the framing is lost.
  virtual void begin_block(Side from, const FrameHead& head, const Piece& first) = 0;
  // False where it cannot be read.
  virtual bool block(Side from, const HeaderBlock& block) = 0;
  virtual void data(Side from, const DataPart& part) = 0;
  // Any other frame; of its payload the first bytes, and less where a hole took some.
  virtual void frame(Side from, const FrameHead& head, std::string_view payload, u64 time_ns) = 0;
  // Bytes that may have been frames.
  virtual void stepped_over(Side from, u64 time_ns) = 0;
};

// The frames of one end, from a known place on. Bytes of frames count as parsed, those that are kept as pending.
class Http2Frames {
 public:
  Http2Frames(Side from, Conversation& talk, FrameSink& sink) : from_(from), talk_(talk), sink_(sink) {
    phase_ = from == Side::client ? Phase::preface : Phase::head;
  }

  // Returns how many bytes were taken: all, unless failed() tells why not.
  u32 read(const Piece& piece);
  // Why what came is no HTTP/2, or null.
  const char* failed() const { return failed_; }
  // Its framing was followed from the first byte on.
  bool sure() const { return sure_; }
  // Steps over a hole; false where the framing is lost by it.
  bool skip(u32 length, u64 time_ns);
  // What comes next may begin anywhere: looks for frames.
  void seek(const char* reason);
  // Forgets what is not whole.
  void drop(const char* reason);
  // The other end takes frames up to this length.
  void allow(u32 length);
  u32 usual() const { return usual_; }
  void hand_over(State& state);

 private:
  enum class Phase : u8 { preface, seek, head, payload };

  void read_preface(Piece& piece);
  void read_head(Piece& piece);
  void read_payload(Piece& piece);
  void begin_frame();
  const char* wrong() const;
  size_t room() const;
  bool in_block_frame() const;
  void take_data(const u8* bytes, u32 length, u64 time_ns);
  void end_frame(std::string_view payload, bool kept, u64 time_ns);
  void end_block_frame(std::string_view payload, bool kept, u64 time_ns);
  bool strip(std::string_view& payload) const;
  void settle_kept();
  static void hand_over(State& state, FrameHead& head);

  Side from_;
  Conversation& talk_;
  FrameSink& sink_;
  Phase phase_;
  std::unique_ptr<FrameSeeker> seeker_;  // while it seeks
  const char* failed_ = nullptr;
  bool sure_ = true;
  bool begun_ = false;  // a frame was read: the first has to be SETTINGS
  u8 head_[kFrameHead] = {};
  u8 got_ = 0;      // of the preface or the head
  FrameHead frame_;
  Piece first_;     // of the frame
  u32 left_ = 0;    // of its payload
  u32 data_left_ = 0;      // of that, without padding
  bool pad_known_ = true;
  Sparing sparing_;  // of its payload, where it is DATA
  u32 allowed_ = kMinMaxFrame, usual_ = kMinMaxFrame;
  std::string kept_;       // the open block so far, then the kept part of the frame
  size_t frame_at_ = 0;    // where that begins
  u64 pending_ = 0;        // bytes that are counted so because of it
  FrameHead block_;
  Piece block_first_;
  bool open_block_ = false, cut_ = false;
};

}  // namespace clover
