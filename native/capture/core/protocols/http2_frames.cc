#include "http2_frames.h"

#include <algorithm>

namespace clover {
namespace {

constexpr size_t kMaxBlock = 64 * 1024;
// Of frames that are neither DATA nor part of a block: enough for every SETTINGS that is met in practice.
constexpr size_t kMaxControl = 1024;

}  // namespace

u32 Http2Frames::read(const Piece& given) {
  Piece piece = given;
  failed_ = nullptr;
  while (piece.length > 0 && failed_ == nullptr && talk_.stopped() == nullptr) {
    switch (phase_) {
      case Phase::preface: read_preface(piece); break;
      case Phase::head: read_head(piece); break;
      case Phase::payload: read_payload(piece); break;
      case Phase::seek: {
        u32 n = seeker_->look(piece.text(), usual_);
        talk_.skipped("resync", n);
        if (n > 0) sink_.stepped_over(from_, piece.time_ns);
        piece.drop(n);
        if (!seeker_->found()) break;
        seeker_.reset();
        phase_ = Phase::head;
      }
    }
  }
  return given.length - piece.length;
}

void Http2Frames::read_preface(Piece& piece) {
  auto n = static_cast<u32>(std::min<size_t>(kHttp2Preface.size() - got_, piece.length));
  if (piece.text().substr(0, n) != kHttp2Preface.substr(got_, n)) {
    failed_ = "malformed";
    return;
  }
  talk_.parsed(n);
  piece.drop(n);
  got_ = static_cast<u8>(got_ + n);
  if (got_ < kHttp2Preface.size()) return;
  got_ = 0;
  phase_ = Phase::head;
}

void Http2Frames::read_head(Piece& piece) {
  if (got_ == 0) {
    first_ = piece;
    first_.data = nullptr;
    first_.length = 0;
  }
  auto n = static_cast<u8>(std::min<u32>(kFrameHead - got_, piece.length));
  std::memcpy(head_ + got_, piece.data, n);
  piece.drop(n);
  if (got_ + n < static_cast<int>(kFrameHead)) {
    got_ = static_cast<u8>(got_ + n);
    talk_.pending(n);
    pending_ += n;
    return;
  }
  talk_.pending(-i64{got_});
  pending_ -= got_;
  talk_.parsed(kFrameHead);
  got_ = 0;
  frame_ = read_frame_head(head_);
  failed_ = wrong();
  if (failed_ == nullptr) begin_frame();
}

// Connection errors of RFC 9113.
const char* Http2Frames::wrong() const {
  // RFC 9113 §3.4. A server that does not speak HTTP/2 says so in a language of its own.
  if (!begun_ && sure_ && frame_.type != FrameType::settings) return "unrecognised";
  if (frame_.length > allowed_) return "frame_too_large";
  bool continues = frame_.type == FrameType::continuation;
  if (open_block_ ? !continues || frame_.stream != block_.stream : continues && sure_) return "malformed";
  if (frame_.stream == 0 ? needs_stream(frame_.type) : needs_connection(frame_.type)) return "malformed";
  if (!sized_well(frame_)) return "malformed";
  if (from_ == Side::client && (frame_.type == FrameType::push_promise ||
                                (frame_.type == FrameType::headers && frame_.stream % 2 == 0)))
    return "malformed";
  return nullptr;
}

void Http2Frames::begin_frame() {
  begun_ = true;
  phase_ = Phase::payload;
  left_ = frame_.length;
  frame_at_ = kept_.size();
  if (frame_.type == FrameType::data) {
    pad_known_ = !frame_.has(kPadded);
    data_left_ = left_;
    sparing_.begin();
  } else if (is_block(frame_.type) && frame_.type != FrameType::continuation) {
    open_block_ = true;
    cut_ = false;
    block_ = frame_;
    block_first_ = first_;
    sink_.begin_block(from_, block_, block_first_);
  }
  if (left_ > 0) return;
  if (frame_.type == FrameType::data) take_data(nullptr, 0, first_.time_ns);
  else end_frame({}, false, first_.time_ns);
}

// How much more of the payload is kept.
size_t Http2Frames::room() const {
  size_t limit = in_block_frame() ? kMaxBlock : frame_at_ + kMaxControl;
  return cut_ && in_block_frame() ? 0 : limit - std::min(limit, kept_.size());
}

// A CONTINUATION of a block that began before us is stepped over.
bool Http2Frames::in_block_frame() const { return open_block_ && is_block(frame_.type); }

void Http2Frames::read_payload(Piece& piece) {
  u32 n = std::min(left_, piece.length);
  const u8* bytes = piece.data;
  u64 time_ns = piece.time_ns;
  bool whole = n == frame_.length;
  piece.drop(n);
  left_ -= n;
  if (frame_.type == FrameType::data) {
    talk_.parsed(n);
    take_data(bytes, n, time_ns);
    // The last byte tells when the frame has ended, and is read.
    if (left_ > 0 && failed_ == nullptr) sparing_.spare(talk_, from_, piece.seq, left_ - 1);
    return;
  }
  std::string_view part{reinterpret_cast<const char*>(bytes), n};
  // The common case: all is here, and is read where it lies.
  if (whole && (!in_block_frame() || (kept_.empty() && !cut_ && frame_.has(kEndHeaders)))) {
    talk_.parsed(n);
    return end_frame(part, false, time_ns);
  }
  size_t keep = std::min<size_t>(room(), n);
  kept_.append(part.substr(0, keep));
  pending_ += keep;
  talk_.pending(static_cast<i64>(keep));
  talk_.parsed(n - keep);
  if (keep < n && in_block_frame()) cut_ = true;
  if (left_ == 0) end_frame(std::string_view(kept_).substr(frame_at_), true, time_ns);
}

void Http2Frames::take_data(const u8* bytes, u32 length, u64 time_ns) {
  DataPart part{frame_, 0, true, left_ == 0, time_ns};
  if (!pad_known_ && length > 0) {
    // The byte that says how much padding there is may lie in a hole.
    u32 padding = bytes != nullptr ? bytes[0] : 0;
    part.sized = bytes != nullptr;
    pad_known_ = true;
    if (padding >= frame_.length) {
      failed_ = "malformed";
      return;
    }
    data_left_ -= 1 + padding;
    length--;
  }
  part.bytes = std::min(length, data_left_);
  data_left_ -= part.bytes;
  if (part.last) phase_ = Phase::head;
  sink_.data(from_, part);
}

void Http2Frames::end_frame(std::string_view payload, bool kept, u64 time_ns) {
  phase_ = Phase::head;
  if (in_block_frame()) return end_block_frame(payload, kept, time_ns);
  if (!is_block(frame_.type)) sink_.frame(from_, frame_, payload, time_ns);
  if (kept) settle_kept();
}

// Takes off what surrounds the fragment; false where it does not fit into the frame.
bool Http2Frames::strip(std::string_view& payload) const {
  if (frame_.type == FrameType::continuation) return true;
  size_t before = 0, padding = 0;
  if (frame_.has(kPadded)) {
    before = 1;
    padding = payload.empty() ? 0 : static_cast<u8>(payload[0]);
  }
  if (frame_.type == FrameType::push_promise) before += 4;
  else if (frame_.has(kHasPriority)) before += 5;
  if (before + padding > frame_.length) return false;
  payload = payload.substr(std::min(before, payload.size()), frame_.length - before - padding);
  return true;
}

void Http2Frames::end_block_frame(std::string_view payload, bool kept, u64 time_ns) {
  if (!strip(payload)) {
    failed_ = "malformed";
    return;
  }
  bool last = frame_.has(kEndHeaders);
  if (kept) {
    size_t from = static_cast<size_t>(payload.data() - kept_.data()), size = payload.size();
    kept_.resize(from + size);
    kept_.erase(frame_at_, from - frame_at_);
  }
  if (!last) return;
  open_block_ = false;
  HeaderBlock block{block_, block_first_, kept_.empty() ? payload : std::string_view(kept_), cut_, time_ns};
  if (!sink_.block(from_, block)) failed_ = "malformed";
  cut_ = false;
  settle_kept();
}

void Http2Frames::settle_kept() {
  talk_.pending(-static_cast<i64>(pending_));
  talk_.parsed(pending_);
  pending_ = 0;
  // A long block must not leave its size to a connection.
  if (kept_.capacity() > 4096) std::string().swap(kept_);
  else kept_.clear();
}

bool Http2Frames::skip(u32 length, u64 time_ns) {
  if (phase_ != Phase::payload || length > left_) return false;
  left_ -= length;
  if (frame_.type == FrameType::data) take_data(nullptr, length, time_ns);
  else {
    if (in_block_frame()) cut_ = true;
    if (left_ == 0) end_frame(std::string_view(kept_).substr(frame_at_), true, time_ns);
  }
  return true;
}

void Http2Frames::drop(const char* reason) {
  talk_.pending(-static_cast<i64>(pending_));
  talk_.skipped(reason, pending_);
  pending_ = 0;
  std::string().swap(kept_);
  got_ = 0;
  open_block_ = cut_ = false;
  if (phase_ == Phase::payload) phase_ = Phase::head;
}

void Http2Frames::seek(const char* reason) {
  drop(reason);
  phase_ = Phase::seek;
  seeker_ = std::make_unique<FrameSeeker>(from_);
  failed_ = nullptr;
  sure_ = false;
  // What the other end has allowed may not have been seen.
  allowed_ = kMaxMaxFrame;
}

void Http2Frames::allow(u32 length) {
  if (length < kMinMaxFrame || length > kMaxMaxFrame) return;
  // A smaller value takes effect once it is acknowledged: what is on its way may be longer.
  usual_ = std::max(usual_, length);
  allowed_ = std::max(allowed_, length);
}

void Http2Frames::hand_over(State& state) {
  state.choice(phase_, Phase::payload);
  state.flags(sure_, begun_, pad_known_, open_block_, cut_);
  state.numbers(got_, left_, data_left_, allowed_, usual_, pending_);
  for (u8& byte : head_) state.number(byte);
  hand_over(state, frame_);
  hand_over(state, block_);
  for (Piece* first : {&first_, &block_first_}) clover::hand_over(state, *first);
  state.text(kept_);
  // Between frames it may be that of the one before.
  u64 frame_at = std::min(frame_at_, kept_.size());
  state.number(frame_at);
  frame_at_ = static_cast<size_t>(frame_at);
  if (!state.reads()) return;
  bool reads_frame = phase_ == Phase::payload;
  state.require(pad_known_ || data_left_ == frame_.length);
  state.require(got_ < (phase_ == Phase::preface ? kHttp2Preface.size() : kFrameHead));
  state.require(left_ <= (reads_frame ? frame_.length : kMaxMaxFrame) && data_left_ <= kMaxMaxFrame);
  state.require(!reads_frame || (left_ > 0 && (frame_.type != FrameType::data || data_left_ <= left_)));
  state.require(allowed_ >= kMinMaxFrame && allowed_ <= kMaxMaxFrame && usual_ >= kMinMaxFrame && usual_ <= kMaxMaxFrame);
  state.require(frame_at_ <= kept_.size() && kept_.size() <= kMaxBlock + kMaxControl);
  state.require(pending_ <= kept_.size() + got_ + kMaxMaxFrame);
  if (!state.ok()) pending_ = 0;
  talk_.inherit(pending_);
  // Where a frame begins was sought, and is sought anew.
  if (phase_ == Phase::seek) seeker_ = std::make_unique<FrameSeeker>(from_);
}

void Http2Frames::hand_over(State& state, FrameHead& head) {
  auto type = static_cast<u8>(head.type);
  state.numbers(head.length, type, head.flags, head.stream);
  head.type = static_cast<FrameType>(type);
  state.require(head.length <= kMaxMaxFrame);
}

}  // namespace clover
