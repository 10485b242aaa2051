#include "go_functions.h"

#include <elf.h>

namespace clover {
namespace {

using namespace std::string_view_literals;

constexpr size_t kMaxName = 256, kMaxReturns = 64;
constexpr u32 kGo118 = 0xfffffff0, kGo120 = 0xfffffff1;

// Reads little-endian numbers of a table; 0 beyond its end.
class Table {
 public:
  explicit Table(std::string_view bytes) : bytes_(bytes) {}
  u32 word(u64 at) const {
    u32 value = 0;
    if (at + sizeof(value) <= bytes_.size()) std::memcpy(&value, bytes_.data() + at, sizeof(value));
    return value;
  }
  u64 pointer(u64 at) const { return word(at) | u64{word(at + 4)} << 32; }
  std::string_view text(u64 at) const {
    if (at >= bytes_.size()) return {};
    std::string_view rest = bytes_.substr(at, kMaxName);
    size_t end = rest.find('\0');
    return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
  }
  u64 size() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

// The size of the frame, as the instructions that make it have it: `sub rsp, imm8` or `sub rsp, imm32`.
std::string_view frame_of(std::string_view code) {
  constexpr size_t kPrologue = 64;
  std::string_view start = code.substr(0, kPrologue);
  for (auto [sub, size] : {std::pair{"\x48\x83\xec"sv, 1}, {"\x48\x81\xec"sv, 4}}) {
    size_t at = start.find(sub);
    if (at != std::string_view::npos && at + sub.size() + size <= code.size()) return code.substr(at + sub.size(), size);
  }
  return {};
}

// `add rsp, FRAME`, maybe `pop rbp`, `ret`: so many bytes with that very number are nothing else.
std::vector<u64> returns_on_x86(std::string_view code) {
  std::string_view frame = frame_of(code);
  if (frame.empty()) return {};
  std::string leave(frame.size() == 1 ? "\x48\x83\xc4" : "\x48\x81\xc4");
  leave.append(frame);
  std::vector<u64> found;
  for (size_t at = code.find(leave); at != std::string_view::npos; at = code.find(leave, at + 1)) {
    size_t end = at + leave.size();
    if (code.substr(end, 1) == "\x5d") end++;
    if (code.substr(end, 1) == "\xc3") found.push_back(end);
    if (found.size() > kMaxReturns) return {};
  }
  return found;
}

std::vector<u64> returns_on_arm(std::string_view code) {
  constexpr u32 kRet = 0xd65f03c0;
  std::vector<u64> found;
  Table words(code);
  for (u64 at = 0; at + 4 <= code.size(); at += 4)
    if (words.word(at) == kRet) found.push_back(at);
  if (found.size() > kMaxReturns) return {};
  return found;
}

// `cmp rsp, [r14+16]` or `cmp r12, [r14+16]`, then `jbe` of either length.
u64 body_on_x86(std::string_view code) {
  constexpr size_t kPrologue = 32;
  std::string_view start = code.substr(0, kPrologue);
  for (std::string_view compare : {"\x49\x3b\x66\x10"sv, "\x4d\x3b\x66\x10"sv}) {
    size_t at = start.find(compare);
    if (at == std::string_view::npos) continue;
    at += compare.size();
    if (code.substr(at, 1) == "\x76"sv) return at + 2;
    if (code.substr(at, 2) == "\x0f\x86"sv) return at + 6;
  }
  return 0;
}

// `ldr x16, [x28, #16]`, then `b.ls`.
u64 body_on_arm(std::string_view code) {
  constexpr u32 kLimit = 0xf9400b90, kIfBelow = 0x54000009, kCondition = 0xff00001f;
  constexpr u64 kPrologue = 32;
  Table words(code);
  if (words.word(0) != kLimit) return 0;
  for (u64 at = 4; at < kPrologue; at += 4)
    if ((words.word(at) & kCondition) == kIfBelow) return at + 4;
  return 0;
}

}  // namespace

u64 body_of(std::string_view code, u16 machine) {
  u64 at = machine == EM_X86_64 ? body_on_x86(code) : machine == EM_AARCH64 ? body_on_arm(code) : 0;
  return at < code.size() ? at : 0;
}

void each_go_function(std::string_view bytes, u64 text, const std::function<void(std::string_view, u64, u64)>& take) {
  Table table(bytes);
  constexpr u64 kPointer = 8;
  bool known = table.word(0) == kGo118 || table.word(0) == kGo120;
  if (!known || bytes.size() < 9 * kPointer || bytes[7] != kPointer) return;
  auto head = [&](u64 field) { return table.pointer(kPointer + field * kPointer); };
  u64 count = head(0), names = head(3), functions = head(7);
  // Position-independent programs and Go 1.26 leave it empty.
  if (head(2) != 0) text = head(2);
  // A row is an address and where the rest is; the last one is the end of the code alone.
  for (u64 i = 0; i < count && functions + (i + 1) * 8 + 4 <= table.size(); i++) {
    u64 row = functions + i * 8;
    u64 name = table.word(functions + table.word(row + 4) + 4);
    take(table.text(names + name), text + table.word(row), table.word(row + 8) - table.word(row));
  }
}

std::vector<u64> returns_of(std::string_view code, u16 machine) {
  if (machine == EM_X86_64) return returns_on_x86(code);
  if (machine == EM_AARCH64) return returns_on_arm(code);
  return {};
}

}  // namespace clover
