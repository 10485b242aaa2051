#include "loader_log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <string_view>

namespace clover {
namespace {

constexpr size_t kMaxKept = 16 * 1024, kMaxLine = 256;
constexpr int kLines = 4;
constexpr std::string_view kBegin = "-- BEGIN PROG LOAD LOG --\n", kEnd = "-- END PROG LOAD LOG --";

// Where the warnings of this thread go; null: nowhere.
thread_local std::string* kept = nullptr;

int take(libbpf_print_level level, const char* format, va_list arguments) {
  if (kept == nullptr || level != LIBBPF_WARN) return 0;
  va_list again;
  va_copy(again, arguments);
  int size = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (size <= 0) return 0;
  std::string text(static_cast<size_t>(size) + 1, '\0');
  std::vsnprintf(text.data(), text.size(), format, arguments);
  text.pop_back();
  // The verifier tells all its steps, of which the last count, and what libbpf says behind them is short.
  if (text.size() > kMaxKept) text.replace(0, text.size() - kMaxKept, kBegin);
  kept->append(text);
  if (kept->size() > 2 * kMaxKept) kept->erase(0, kept->size() - 2 * kMaxKept);
  return 0;
}

}  // namespace

LoaderLog::LoaderLog() {
  kept = &text_;
  libbpf_set_print(take);
}

LoaderLog::~LoaderLog() { kept = nullptr; }

std::string LoaderLog::tail() const {
  std::string_view text = text_;
  if (size_t begin = text.rfind(kBegin); begin != std::string_view::npos) {
    text.remove_prefix(begin + kBegin.size());
    text = text.substr(0, text.find(kEnd));
  }
  std::string lines;
  for (int count = 0; count < kLines && !text.empty();) {
    if (text.back() == '\n') {
      text.remove_suffix(1);
      continue;
    }
    size_t before = text.rfind('\n');
    size_t start = before == std::string_view::npos ? 0 : before + 1;
    lines.insert(0, "\n" + std::string(text.substr(start, kMaxLine)));
    text = text.substr(0, start);
    count++;
  }
  return lines;
}

}  // namespace clover
