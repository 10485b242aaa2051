#include "http2_seek.h"

#include <algorithm>

namespace clover {
namespace {

// So many heads in a row are no accident: each has some twenty bits that have to be right.
constexpr u8 kChain = 3;
constexpr size_t kMaxRows = 16;

// Flags that are defined (RFC 9113 §6).
u8 known_flags(FrameType type) {
  switch (type) {
    case FrameType::data: return kEndStream | kPadded;
    case FrameType::headers: return kEndStream | kEndHeaders | kPadded | kHasPriority;
    case FrameType::push_promise: return kEndHeaders | kPadded;
    case FrameType::continuation: return kEndHeaders;
    case FrameType::settings: case FrameType::ping: return kSettingsAck;
    default: return 0;
  }
}

// Stricter than the protocol: what a sender of today writes.
bool believable(const u8* at, Side from, u32 usual) {
  FrameHead head = read_frame_head(at);
  bool known = head.type <= FrameType::continuation || head.type == FrameType::priority_update;
  if (!known || head.length > usual || (at[5] & 0x80) || (head.flags & ~known_flags(head.type))) return false;
  if (!sized_well(head)) return false;
  if (head.stream == 0 ? needs_stream(head.type) : needs_connection(head.type)) return false;
  bool odd = head.stream & 1;
  if (from == Side::client && (is_block(head.type) || head.type == FrameType::data))
    return odd && head.type != FrameType::push_promise;
  return true;
}

const u8* bytes_of(std::string_view text) { return reinterpret_cast<const u8*>(text.data()); }

// Heads in a row from `at` on, at most kChain; `next`: where the one after them is due.
u8 chain(std::string_view bytes, size_t at, Side from, u32 usual, size_t& next) {
  u8 count = 0;
  next = at;
  while (count < kChain && next <= bytes.size() && bytes.size() - next >= kFrameHead) {
    const u8* head = bytes_of(bytes) + next;
    if (!believable(head, from, usual)) return 0;
    count++;
    next += kFrameHead + read_frame_head(head).length;
  }
  return count;
}

}  // namespace

u32 FrameSeeker::look(std::string_view bytes, u32 usual) {
  auto size = static_cast<u32>(bytes.size());
  if (certain_) return resume(left_, bytes);
  for (size_t at = 0; at + kFrameHead <= bytes.size(); at++) {
    size_t next;
    u8 count = chain(bytes, at, from_, usual, next);
    // A write begins with a frame and ends with one; within, more has to speak for it.
    if (count >= kChain || (next == bytes.size() && count >= (at == 0 ? 1 : 2))) return resume(at, bytes);
  }
  for (size_t i = 0; i < rows_.size();) {
    Row& row = rows_[i];
    if (!follow(row, bytes, usual)) rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(i));
    else if (row.count >= kChain && row.got == 0) return resume(u64{size} + row.wait, bytes);
    else i++;
  }
  begin_rows(bytes, usual);
  return size;
}

// False where no head follows. Where enough do, the row waits for the next.
bool FrameSeeker::follow(Row& row, std::string_view bytes, u32 usual) {
  while (row.wait < bytes.size()) {
    bytes.remove_prefix(row.wait);
    row.wait = 0;
    auto n = static_cast<u8>(std::min<size_t>(kFrameHead - row.got, bytes.size()));
    std::memcpy(row.head + row.got, bytes.data(), n);
    row.got = static_cast<u8>(row.got + n);
    bytes.remove_prefix(n);
    if (row.got < kFrameHead) return true;
    row.got = 0;
    if (!believable(row.head, from_, usual)) return false;
    row.count = static_cast<u8>(std::min<int>(row.count + 1, kChain));
    row.wait = read_frame_head(row.head).length;
  }
  row.wait -= static_cast<u32>(bytes.size());
  return true;
}

// Rows that begin in these bytes, or with the last ones before them, and go on behind them.
void FrameSeeker::begin_rows(std::string_view bytes, u32 usual) {
  size_t before = tail_.size();
  std::string straddling = tail_ + std::string(bytes.substr(0, kFrameHead - 1));
  auto take = [&](std::string_view text, size_t from, size_t until, size_t end) {
    for (size_t at = from; at < until && at + kFrameHead <= text.size() && rows_.size() < kMaxRows; at++) {
      if (!believable(bytes_of(text) + at, from_, usual)) continue;
      u64 next = at + kFrameHead + read_frame_head(bytes_of(text) + at).length;
      if (next >= end) {
        Row row;
        row.wait = static_cast<u32>(next - end);
        rows_.push_back(row);
      }
    }
  };
  take(straddling, 0, before, before + bytes.size());
  take(bytes, 0, bytes.size(), bytes.size());
  tail_.append(bytes.substr(bytes.size() - std::min(bytes.size(), kFrameHead - 1)));
  tail_.erase(0, tail_.size() - std::min(tail_.size(), kFrameHead - 1));
}

u32 FrameSeeker::resume(u64 at, std::string_view bytes) {
  certain_ = true;
  auto n = static_cast<u32>(std::min<u64>(at, bytes.size()));
  left_ = at - n;
  found_ = left_ == 0;
  return n;
}

bool are_frames(std::string_view bytes, Side from, const std::function<void(const FrameHead&, std::string_view)>& take) {
  u8 count = 0;
  while (bytes.size() >= kFrameHead) {
    if (!believable(bytes_of(bytes), from, kMinMaxFrame)) return false;
    count = static_cast<u8>(std::min<int>(count + 1, kChain));
    FrameHead head = read_frame_head(bytes_of(bytes));
    bytes.remove_prefix(kFrameHead);
    if (head.length > bytes.size()) return count >= kChain;
    take(head, bytes.substr(0, head.length));
    bytes.remove_prefix(head.length);
  }
  return bytes.empty() || count >= kChain;
}

}  // namespace clover
