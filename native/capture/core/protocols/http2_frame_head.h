// The nine bytes before the payload of an HTTP/2 frame (RFC 9113 §4.1), and what makes them right.
#pragma once

#include "../common.h"

namespace clover {

inline constexpr size_t kFrameHead = 9;
inline constexpr u32 kMinMaxFrame = 16384, kMaxMaxFrame = (1u << 24) - 1;
inline constexpr u8 kEndStream = 0x1, kSettingsAck = 0x1, kEndHeaders = 0x4, kPadded = 0x8, kHasPriority = 0x20;

enum class FrameType : u8 {
  data, headers, priority, rst_stream, settings, push_promise, ping, goaway, window_update, continuation,
  priority_update = 16,  // RFC 9218 §7.1
};

// The head of a frame.
struct FrameHead {
  u32 length = 0;
  FrameType type = FrameType::data;
  u8 flags = 0;
  u32 stream = 0;

  bool has(u8 flag) const { return flags & flag; }
};

FrameHead read_frame_head(const u8* bytes);

// HEADERS, PUSH_PROMISE and CONTINUATION.
bool is_block(FrameType type);
// Types that belong to a stream, and those that belong to the connection.
bool needs_stream(FrameType type);
bool needs_connection(FrameType type);
// Whether the length is one that the type may have.
bool sized_well(const FrameHead& head);

}  // namespace clover
