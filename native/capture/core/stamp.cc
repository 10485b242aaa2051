#include "stamp.h"

namespace clover {
namespace {

bool is_label(std::string_view text) {
  auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 63 || !alnum(text[0])) return false;
  for (char c : text)
    if (!alnum(c) && c != '-') return false;
  return true;
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

}  // namespace clover
