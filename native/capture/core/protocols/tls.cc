#include "tls.h"

namespace clover {
namespace {

constexpr u8 kChangeCipherSpec = 20, kHandshake = 22, kHeartbeat = 24, kMajor = 3, kMaxMinor = 4;
constexpr u8 kClientHello = 1, kServerHello = 2;
constexpr u32 kMaxRecord = 16384 + 256;
constexpr size_t kRecordHead = 5;

u8 byte_at(std::string_view bytes, size_t i) { return static_cast<u8>(bytes[i]); }

// Of the record that begins here, without its head; 0 where none does.
u32 record_length(std::string_view bytes) {
  u8 type = byte_at(bytes, 0);
  u32 length = u32{byte_at(bytes, 3)} << 8 | byte_at(bytes, 4);
  bool record = type >= kChangeCipherSpec && type <= kHeartbeat && byte_at(bytes, 1) == kMajor &&
                byte_at(bytes, 2) > 0 && byte_at(bytes, 2) <= kMaxMinor && length <= kMaxRecord;
  return record ? length : 0;
}

// Whether records begin here that are encrypted, as they are behind a handshake. One alone has to be whole, unless `said`.
bool are_records(std::string_view bytes, bool said) {
  for (size_t count = 1; bytes.size() >= kRecordHead; count++) {
    u32 length = record_length(bytes);
    if (length == 0) return false;
    if (kRecordHead + length >= bytes.size())
      return said || count > 1 || kRecordHead + length == bytes.size();
    bytes.remove_prefix(kRecordHead + length);
    if (bytes.size() < kRecordHead) return said || count > 1;
  }
  return false;
}

}  // namespace

Verdict detect_tls(std::string_view bytes, Side from, Where where) {
  if (is_within(where)) return are_records(bytes, where == Where::hinted) ? Verdict::yes : Verdict::no;
  auto at = [&](size_t i) { return byte_at(bytes, i); };
  if (bytes.size() > 0 && at(0) != kHandshake) return Verdict::no;
  if (bytes.size() > 1 && at(1) != kMajor) return Verdict::no;
  if (bytes.size() > 2 && at(2) > kMaxMinor) return Verdict::no;
  if (bytes.size() < 6) return Verdict::maybe;
  u32 length = u32{at(3)} << 8 | at(4);
  if (length < 4 || length > kMaxRecord) return Verdict::no;
  return at(5) == (from == Side::client ? kClientHello : kServerHello) ? Verdict::yes : Verdict::no;
}

}  // namespace clover
