// Values of the Redis serialization protocol, RESP2 and RESP3, one after the other.
#pragma once

#include <vector>

#include "../sparing.h"

namespace clover {

inline constexpr size_t kMaxRespDepth = 128, kMaxRespParts = 5;

// What is kept of a value: its type, and the beginnings of its first strings.
struct RespValue {
  char type = 0;    // its first byte; 0: an inline command
  i64 count = 0;    // of an aggregate, or the length of a string; -1: null
  std::vector<std::string> parts;  // the value itself, or the first elements of an aggregate
  std::string error;  // the first error within, or it
  bool cut = false;   // a hole took something of the parts: what is left of that is empty
  Piece first;        // what carried its first byte, without the bytes
  u64 end_ns = 0;
};

// Of what RespReader gives.
void hand_over(State& state, RespValue& value);

// The values of one end. All bytes are parsed as they come; strings are stepped over by their length.
class RespReader {
 public:
  // `commands`: from a client, which may write plain lines. Without a conversation nothing is accounted for.
  RespReader(Conversation* talk, bool commands) : talk_(talk), commands_(commands) {}

  // Takes bytes up to the end of a value, at most, and returns how many. True in done() once value() is
  // whole.
  u32 read(const Piece& piece);
  bool done() const { return done_; }
  const RespValue& value() const { return value_; }
  // Why what came is no RESP, or null.
  const char* failed() const { return failed_; }
  bool at_start() const { return !begun_ || done_; }
  const Piece& first() const { return value_.first; }
  // Steps over a hole inside of a string; false where the framing is lost by it.
  bool skip(u64 length, u64 time_ns);
  void reset();
  // Tells a successor how far the open value has come, or learns it. Not while a value is done.
  void hand_over(State& state);

 private:
  // An aggregate that is not whole.
  struct Level {
    u64 left = 0;
    bool attribute = false;  // it is about the value behind it, and none itself
    bool open = false;       // its end is marked
  };

  static void hand_over(State& state, Level& level);
  void line(u64 time_ns);
  void plain_line(std::string_view text, u64 time_ns);
  void aggregate(char type, std::string_view digits, u64 time_ns);
  void string(char type, std::string_view digits, u64 time_ns);
  void ended(u64 time_ns);
  void fail() { failed_ = "malformed"; }
  std::string* part();
  bool reads_text() const;

  Conversation* talk_;
  bool commands_;
  const char* failed_ = nullptr;
  RespValue value_;
  bool begun_ = false, done_ = false;
  std::vector<Level> levels_;
  size_t elements_ = 0;    // of the outermost aggregate, read so far
  std::string line_;       // its beginning
  u64 line_bytes_ = 0;
  u64 left_ = 0;           // of a string and the line end behind it
  u64 text_left_ = 0;      // of that, without the line end
  std::string* into_ = nullptr;
  Sparing sparing_;
  bool chunks_ = false;    // the open string comes in chunks
  bool bulk_error_ = false;  // the open string is the first error
};

}  // namespace clover
