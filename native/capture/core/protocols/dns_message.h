// DNS messages (RFC 1035 §4): pure functions over one whole message.
#pragma once

#include <vector>

#include "../common.h"

namespace clover::dns {

inline constexpr size_t kMaxName = 255;       // bytes on the wire, RFC 1035 §2.3.4
inline constexpr size_t kMaxAddresses = 32;   // kept of one message

enum Opcode : u8 { kQuery = 0, kInverse = 1, kStatus = 2, kNotify = 4, kUpdate = 5, kStateful = 6 };
enum Type : u16 { kA = 1, kSoa = 6, kAaaa = 28, kOpt = 41, kIxfr = 251, kAxfr = 252 };

// What a message says, as far as it was read.
struct Message {
  bool valid = false;  // the header and all questions were read
  bool whole = false;  // so were all records
  bool response = false, authoritative = false, truncated = false;
  u16 id = 0;
  u8 opcode = 0;
  u16 rcode = 0;  // with the upper bits of EDNS (RFC 6891 §6.1.3)
  u16 questions = 0, answers = 0, authorities = 0, additions = 0;
  std::string name;  // of the first question, as zone files write it, without the last dot
  u16 type = 0, klass = 0;  // of the first question
  // Of all questions, letters in one case: what pairs an answer with its query.
  u64 fingerprint = 0;
  std::vector<std::string> addresses;  // of A and AAAA records among the answers
  std::vector<u32> serials;  // of the SOA records among the answers, in order
  bool starts_with_soa = false, second_is_soa = false;
  size_t read = 0;  // bytes of it that were understood
};

Message read_message(std::string_view bytes);

// Whether 12 bytes are a header, of whichever message.
bool is_header(std::string_view bytes);
// Whether the bytes (one or more) can be the beginning of a message that this end sends first.
bool may_start(std::string_view bytes, bool response);
// Whether they surely are one whole message: counts, names and lengths add up to its end.
bool is_message(std::string_view bytes, bool response);

// IANA's names; RFC 3597 §5 for types and classes without one.
std::string type_name(u16 type);
std::string class_name(u16 klass);
std::string rcode_name(u16 rcode);
std::string_view opcode_name(u8 opcode);

}  // namespace clover::dns
