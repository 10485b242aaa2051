#include "http2_frame_head.h"

namespace clover {

FrameHead read_frame_head(const u8* at) {
  FrameHead head;
  head.length = u32{at[0]} << 16 | u32{at[1]} << 8 | at[2];
  head.type = static_cast<FrameType>(at[3]);
  head.flags = at[4];
  head.stream = (u32{at[5]} << 24 | u32{at[6]} << 16 | u32{at[7]} << 8 | at[8]) & 0x7fffffff;
  return head;
}

bool is_block(FrameType type) {
  return type == FrameType::headers || type == FrameType::push_promise || type == FrameType::continuation;
}

bool needs_stream(FrameType type) {
  return is_block(type) || type == FrameType::data || type == FrameType::priority || type == FrameType::rst_stream;
}

bool needs_connection(FrameType type) {
  return type == FrameType::settings || type == FrameType::ping || type == FrameType::goaway ||
         type == FrameType::priority_update;
}

bool sized_well(const FrameHead& head) {
  switch (head.type) {
    case FrameType::priority: return head.length == 5;
    case FrameType::rst_stream: case FrameType::window_update: return head.length == 4;
    case FrameType::settings: return head.has(kSettingsAck) ? head.length == 0 : head.length % 6 == 0;
    case FrameType::ping: return head.length == 8;
    case FrameType::goaway: return head.length >= 8;
    default: return true;
  }
}

}  // namespace clover
