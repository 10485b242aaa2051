#include "stamp.h"

#include <algorithm>

namespace clover {
namespace {

bool is_label(std::string_view text) {
  auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 63 || !alnum(text[0])) return false;
  for (char c : text)
    if (!alnum(c) && c != '-') return false;
  return true;
}

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool unhex(std::string_view text, u8* out) {
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = nibble(text[i]), low = nibble(text[i + 1]);
    if (high < 0 || low < 0) return false;
    out[i / 2] = static_cast<u8>(high << 4 | low);
  }
  return true;
}

bool all_zero(const u8* bytes, size_t n) {
  return std::all_of(bytes, bytes + n, [](u8 b) { return b == 0; });
}

}  // namespace

bool parse_stamp(std::string_view text, Stamp& out) {
  size_t first = text.find('.');
  if (first == std::string_view::npos) return false;
  size_t second = text.find('.', first + 1);
  if (second == std::string_view::npos) return false;
  std::string_view run = text.substr(0, first);
  std::string_view epoch = text.substr(first + 1, second - first - 1);
  std::string_view arm = text.substr(second + 1);
  if (run != "-" && !is_label(run)) return false;
  if (!is_label(arm) || epoch.empty() || epoch.size() > 9) return false;
  u32 number = 0;
  for (char c : epoch) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<u32>(c - '0');
  }
  out.run.assign(run);
  out.epoch = number;
  out.arm.assign(arm);
  return true;
}

TraceContext parse_traceparent(std::string_view text) {
  TraceContext context;
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return context;
  u8 version = 0;
  if (!unhex(text.substr(0, 2), &version) || version == 0xff) return context;
  if (version == 0 ? text.size() != 55 : text.size() > 55 && text[55] != '-') return context;
  if (!unhex(text.substr(3, 32), context.trace_id.data())) return context;
  if (!unhex(text.substr(36, 16), context.parent_id.data())) return context;
  if (!unhex(text.substr(53, 2), &context.flags)) return context;
  context.valid = !all_zero(context.trace_id.data(), 16) && !all_zero(context.parent_id.data(), 8);
  return context;
}

}  // namespace clover
