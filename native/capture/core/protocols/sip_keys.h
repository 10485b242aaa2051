// What tells transactions and calls of SIP apart.
#pragma once

#include "sip_message.h"

namespace clover::sip {

inline constexpr size_t kMaxId = 255;  // kept of a Call-ID; a longer one goes on as its hash
inline constexpr size_t kMaxKnownId = kMaxId + 20;  // with the digits of that

inline u64 hash(std::string_view text, u64 seed, bool any_case) {
  for (char c : text) {
    u8 byte = static_cast<u8>(c);
    seed = (seed ^ (any_case && byte >= 'A' && byte <= 'Z' ? byte | 0x20u : byte)) * 0x100000001b3ULL;
  }
  return mix(seed ^ text.size());
}

// RFC 3261 §17.1.3 and §17.2.3, and the sequence number: without the magic cookie a branch alone does not do.
inline u64 key_of(const Message& message, std::string_view method) {
  u64 key = hash(message.branch, 1, true);
  key = hash(message.sent_by, key, true);
  return hash(method, key ^ message.cseq, false);
}

inline std::string id_of(std::string_view call_id) {
  if (call_id.size() <= kMaxId) return std::string(call_id);
  return std::string(call_id.substr(0, kMaxId)) + std::to_string(hash(call_id, 2, false));
}

}  // namespace clover::sip
