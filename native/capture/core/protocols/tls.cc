#include "tls.h"

namespace clover {
namespace {

constexpr u8 kHandshake = 22, kMajor = 3, kMaxMinor = 4;
constexpr u8 kClientHello = 1, kServerHello = 2;
constexpr u32 kMaxRecord = 16384 + 256;

}  // namespace

Verdict detect_tls(std::string_view bytes, Side from, Where where) {
  auto at = [&](size_t i) { return static_cast<u8>(bytes[i]); };
  if (bytes.size() > 0 && at(0) != kHandshake) return Verdict::no;
  if (bytes.size() > 1 && at(1) != kMajor) return Verdict::no;
  if (bytes.size() > 2 && at(2) > kMaxMinor) return Verdict::no;
  if (bytes.size() < 6) return where == Where::start ? Verdict::maybe : Verdict::no;
  u32 length = u32{at(3)} << 8 | at(4);
  if (length < 4 || length > kMaxRecord) return Verdict::no;
  return at(5) == (from == Side::client ? kClientHello : kServerHello) ? Verdict::yes : Verdict::no;
}

}  // namespace clover
