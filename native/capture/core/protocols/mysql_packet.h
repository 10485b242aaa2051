// Packets of MySQL's classic protocol (MySQL Internals, "Client/Server Protocol").
#pragma once

#include <optional>

#include "../common.h"

namespace clover::mysql {

inline constexpr size_t kHeader = 4;
inline constexpr u32 kMaxPayload = 0xffffff;  // a packet of this length goes on in the next

// Capability flags.
inline constexpr u32 kConnectWithDb = 1u << 3, kCompress = 1u << 5, kProtocol41 = 1u << 9, kSsl = 1u << 11,
                     kSecureConnection = 1u << 15, kLenencAuth = 1u << 21, kSessionTrack = 1u << 23,
                     kDeprecateEof = 1u << 24, kOptionalMetadata = 1u << 25, kZstd = 1u << 26,
                     kQueryAttributes = 1u << 27;
// Status flags.
inline constexpr u16 kMoreResults = 0x0008, kCursorExists = 0x0040, kNoBackslashEscapes = 0x0200,
                     kSessionChanged = 0x4000;

enum class Command : u8 {
  quit = 0x01,
  init_db = 0x02,
  query = 0x03,
  field_list = 0x04,
  statistics = 0x09,
  process_info = 0x0a,
  ping = 0x0e,
  change_user = 0x11,
  binlog_dump = 0x12,
  prepare = 0x16,
  execute = 0x17,
  send_long_data = 0x18,
  close = 0x19,
  fetch = 0x1c,
  binlog_dump_gtid = 0x1e,
  reset_connection = 0x1f,
  bulk_execute = 0xfa,
};

// As a span says it; empty where there is none of this number.
std::string_view name_of(Command command);

// What a packet of a server begins with.
inline constexpr u8 kOk = 0x00, kMore = 0x01, kLocalInfile = 0xfb, kEof = 0xfe, kError = 0xff;

inline u8 first_of(std::string_view payload) { return payload.empty() ? 0 : static_cast<u8>(payload[0]); }
// Of the payload behind a header.
u32 length_of(std::string_view header);
// Whether these bytes are one whole command, for sure.
bool is_command(std::string_view bytes);

// Reads a payload, in turn. What is not there reads as zero, and whole() tells.
class Reader {
 public:
  explicit Reader(std::string_view payload) : rest_(payload) {}
  u64 integer(size_t bytes);
  // 0xfb is null: zero.
  u64 length();
  std::string_view take(u64 bytes);
  std::string_view text();  // up to a zero
  std::string_view rest() const { return rest_; }
  bool whole() const { return whole_; }

 private:
  std::string_view rest_;
  bool whole_ = true;
};

// What a server begins with.
struct Greeting {
  std::string_view version;
  u32 capabilities = 0;
};
std::optional<Greeting> read_greeting(std::string_view payload);
// Whether bytes may begin with the packet of one.
bool may_greet(std::string_view bytes);

// The end of a command, or of one of its results.
struct Ok {
  u16 status = 0;
  std::string database;  // that the session has changed to
  bool moved = false;
};
Ok read_ok(std::string_view payload, bool tracks);

// The text of a COM_QUERY, behind the attributes that it may carry; nothing where they cannot be read.
std::optional<std::string_view> query_text(std::string_view payload, bool attributes);

}  // namespace clover::mysql
