// The requests of Kafka's protocol (https://kafka.apache.org/protocol): what is known of each kind.
#pragma once

#include "../common.h"

namespace clover::kafka {

// How a request's body says what it is about.
enum class Ask : u8 {
  other,
  produce,
  fetch,
  group,           // the group's name comes first
  commit,          // OffsetCommit
  groups,          // OffsetFetch: one name, or a list of them since version 8
  coordinator,     // FindCoordinator
  transaction,     // a transaction's name comes before the group's
  topics,          // a list whose entries begin with the topic's name
};

// Where a response says how it went, behind the time of throttling.
enum class Answer : u8 {
  unread,
  code,         // the error code
  topics,       // a list of names, each with a code
  partitions,   // a list of topics, each with a list of partitions, each with its number and a code
  produce,
  fetch,
  coordinator,
};

constexpr i16 kNever = 127;

// One kind of request.
struct Api {
  std::string_view name;  // empty: it is not known
  i16 flexible;  // first version with tagged fields (KIP-482), or kNever
  i16 newest;    // version of which the form is known
  Ask ask = Ask::other;
  Answer answer = Answer::unread;
  i16 throttles = kNever;  // first version whose response begins with a time of throttling
};

inline constexpr i16 kProduce = 0, kFetch = 1, kMetadata = 3, kOffsetCommit = 8, kJoinGroup = 11, kHeartbeat = 12, kSaslHandshake = 17, kApiVersions = 18,
                     kCreateTopics = 19, kDeleteTopics = 20, kAddOffsetsToTxn = 25;

// Null where none with this number is known.
const Api* find_api(i16 key);
// The same, and for any other number one of which no version is known.
const Api& api_of(i16 key);

// The name of an error code, or `_OTHER`.
std::string_view error_name(i16 code);

}  // namespace clover::kafka
