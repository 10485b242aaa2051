// Kafka's requests and responses: pure functions over the beginning of a frame.
#pragma once

#include "kafka_api.h"

namespace clover::kafka {

// How much of a frame is read.
inline constexpr size_t kKept = 1024;
// What brokers take at most (socket.request.max.bytes).
inline constexpr u32 kMaxFrame = 100 * 1024 * 1024;
// Length, kind, version, correlation id and the length of the client's name.
inline constexpr size_t kMinRequest = 14, kMinResponse = 8;

// The header that every request begins with.
struct Header {
  const Api* api = nullptr;
  i16 key = 0;
  i16 version = 0;
  i32 correlation = 0;
  std::string_view client;
  size_t body = 0;  // where it begins; 0 where its form is not known

  bool flexible() const { return version >= api->flexible; }
  bool readable() const { return body != 0 && version <= api->newest; }
};

enum class HeaderRead : u8 { none, part, sound };

// Which headers there may be: those that tell Kafka from other protocols, or all that it may have in years to come.
enum class Headers : u8 { known, any };

// Reads it from `frame`, its length included.
HeaderRead read_header(std::string_view frame, Header& out, Headers headers = Headers::known);

// Whether the body can be one of this kind. Others' first messages have headers like this: ZooKeeper's is a
// Produce of nothing.
HeaderRead check_body(std::string_view frame, const Header& header);

// What a request or its response is about; where it is about several things, it says none of them.
struct Subject {
  std::string topic;     // its name, or its id as Kafka's tools write it
  i32 partition = -1;
  std::string group;
  i64 offset = -1;
  i64 records = -1;      // -1: not known
  bool answered = true;  // there will be a response
};

// What of it is not there any more is as if it said nothing.
Subject read_request(std::string_view frame, const Header& header);

struct Outcome {
  bool known = false;  // the code was read
  i16 code = 0;        // the first that is no success
  u32 throttled_ms = 0;
};

// Adds to `subject` what the response to the request says of it.
Outcome read_response(std::string_view frame, const Header& request, Subject& subject);

u32 load_size(std::string_view frame);
i32 load_correlation(std::string_view frame);

}  // namespace clover::kafka
