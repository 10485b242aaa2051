#include "postgresql_message.h"

#include <algorithm>

#include "../sql.h"

namespace clover::pg {
namespace {

constexpr u32 kMaxOpening = 10000;       // MAX_STARTUP_PACKET_LENGTH
constexpr u32 kMaxMessage = 0x3fffffff;  // PQ_LARGE_MESSAGE_LIMIT: no buffer of a server is longer
constexpr size_t kMaxParameters = 4096;

struct Shape {
  char type;
  u32 least, most;  // its length, with the four bytes that say so
  size_t keep;      // of its body
};

constexpr Shape kAsked[] = {
    {'B', 12, kMaxMessage, 512},
    {'C', 6, kMaxMessage, 256},
    {'D', 6, kMaxMessage, 0},
    {'E', 9, kMaxMessage, 256},
    {'F', 14, kMaxMessage, 0},
    {'H', 4, 4, 0},
    {'P', 8, kMaxMessage, sql::kMaxRead + 512},
    {'Q', 5, kMaxMessage, sql::kMaxRead + 1},
    {'S', 4, 4, 0},
    {'X', 4, 4, 0},
    {'c', 4, 4, 0},
    {'d', 4, kMaxMessage, 0},
    {'f', 5, kMaxMessage, 0},
    {'p', 4, kMaxMessage, 0},
};
constexpr Shape kAnswered[] = {
    {'1', 4, 4, 0},
    {'2', 4, 4, 0},
    {'3', 4, 4, 0},
    {'A', 10, kMaxMessage, 0},
    {'C', 6, kMaxMessage, 0},
    {'D', 6, kMaxMessage, 0},
    {'E', 5, kMaxMessage, 1024},
    {'G', 7, kMaxMessage, 0},
    {'H', 7, kMaxMessage, 0},
    {'I', 4, 4, 0},
    {'K', 8, 4096, 0},
    {'N', 5, kMaxMessage, 0},
    {'R', 8, kMaxMessage, 0},
    {'S', 6, kMaxMessage, 256},
    {'T', 6, kMaxMessage, 0},
    {'V', 8, kMaxMessage, 0},
    {'W', 7, kMaxMessage, 0},
    {'Z', 5, 5, 1},
    {'n', 4, 4, 0},
    {'s', 4, 4, 0},
    {'c', 4, 4, 0},
    {'d', 4, kMaxMessage, 0},
    {'t', 6, kMaxMessage, 0},
    {'v', 12, kMaxMessage, 0},
};

const Shape* shape_of(char type, Side from) {
  auto find = [&](const Shape* begin, const Shape* end) {
    const Shape* at = std::find_if(begin, end, [&](const Shape& one) { return one.type == type; });
    return at == end ? nullptr : at;
  };
  return from == Side::client ? find(std::begin(kAsked), std::end(kAsked))
                              : find(std::begin(kAnswered), std::end(kAnswered));
}

}  // namespace

u32 read_u32(std::string_view bytes, size_t at) {
  u32 value = 0;
  for (size_t i = 0; i < 4; i++) value = value << 8 | static_cast<u8>(bytes[at + i]);
  return value;
}

std::optional<FrameSize> opening_size(std::string_view header) {
  u32 length = read_u32(header, 0), code = read_u32(header, 4);
  bool request = (code == kSslRequest || code == kGssRequest) && length == 8;
  bool cancel = code == kCancelRequest && length >= 16 && length <= 12 + 256;
  bool startup = code >> 16 == 3 && length > 8 && length <= kMaxOpening;
  if (!request && !cancel && !startup) return std::nullopt;
  // What a cancellation shows is a secret.
  return FrameSize{length, startup ? std::min<size_t>(length, kMaxParameters) : kOpeningHeader};
}

std::optional<FrameSize> message_size(std::string_view header, Side from) {
  const Shape* shape = shape_of(header[0], from);
  u32 length = read_u32(header, 1);
  if (shape == nullptr || length < shape->least || length > shape->most) return std::nullopt;
  return FrameSize{u64{length} + 1, kHeader + shape->keep};
}

bool are_messages(std::string_view bytes, Side from) {
  char last = 0;
  while (bytes.size() >= kHeader) {
    auto size = message_size(bytes, from);
    if (!size || size->total > bytes.size()) return false;
    std::string_view body = bytes.substr(kHeader, size->total - kHeader);
    last = bytes[0];
    if (from == Side::client && last == 'Q' && body.find('\0') != body.size() - 1) return false;
    if (from == Side::server && last == 'Z' && body[0] != 'I' && body[0] != 'T' && body[0] != 'E')
      return false;
    bytes.remove_prefix(size->total);
  }
  return bytes.empty() && (from == Side::client ? last == 'Q' || last == 'S' : last == 'Z');
}

char Fields::byte() {
  if (rest_.empty()) return 0;
  char c = rest_.front();
  rest_.remove_prefix(1);
  return c;
}

std::string_view Fields::text() {
  size_t end = rest_.find('\0');
  whole_ = whole_ && end != std::string_view::npos;
  std::string_view text = rest_.substr(0, end);
  rest_.remove_prefix(std::min(text.size() + 1, rest_.size()));
  return text;
}

}  // namespace clover::pg
