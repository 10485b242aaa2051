// One connection of MySQL's classic protocol.
#pragma once

#include <deque>

#include "../db_statements.h"
#include "../framing.h"
#include "mysql_packet.h"

namespace clover::mysql {

// Of one connection: commands that are followed at a time, and what waits for an answer in all.
inline constexpr size_t kMaxOpen = 16'384, kMaxWaiting = 4 * kMaxOpen;
inline constexpr u64 kMaxColumns = 65535;

using db::QueryPointer;

// Where in the answer to a command the server is.
enum class Stage : u8 {
  first,
  columns,
  columns_end,
  rows,
  parameters,
  parameters_end,
  upload,  // it has asked for a file (LOAD DATA LOCAL), which the client sends up to an empty packet
};

// A command that waits for its answer, or for the rest of it.
struct Sent {
  Request* request = nullptr;  // null: nobody saw it, or it was one too many to be followed
  Command command = Command::query;
  QueryPointer query;  // of what it prepares
  std::string database;  // that it changes to
  u32 seq = 0;
  u8 next = 1;           // the sequence number that is due
  Stage stage = Stage::first;
  u64 left = 0;          // of columns or parameters
  u64 columns = 0;       // behind the parameters
};

class Mysql final : public Parser {
 public:
  explicit Mysql(Conversation& talk);

  u32 read(Side from, const Piece& piece) override;
  void join(Side from) override;
  void hole(Side from, u32 length, u64 time_ns) override;
  void end(Side from, u64 time_ns) override;
  void close(const char* cause, u64 time_ns) override;
  bool idle() const override { return sent_.empty(); }
  std::string_view handed_over_as() const override { return "mysql"; }
  void hand_over(State& state) override;

 private:
  enum class Phase : u8 { greeting, response, authentication, commands };

  void hand_over(State& state, Sent& sent);
  FrameReader& of(Side from) { return from == Side::client ? asking_ : answering_; }
  bool uploads() const { return !sent_.empty() && sent_.front().stage == Stage::upload; }
  FrameSize size(Side from, std::string_view header) const;
  bool take(Side from, const Frame& frame);
  void on_greeting(std::string_view payload);
  void on_response(std::string_view payload, size_t length);
  void on_authentication(std::string_view payload);
  void on_asked(std::string_view payload, const Frame& frame);
  void on_command(std::string_view payload, const Frame& frame);
  Request* begin(const Sent& sent, const Frame& frame);
  QueryPointer query_of(Command command, std::string_view payload, bool cut);
  void on_answered(std::string_view payload, const Frame& frame);
  void on_first(std::string_view payload, const Frame& frame);
  void on_result(Sent& front, std::string_view payload, size_t length);
  void on_prepared(Sent& front, std::string_view payload, u64 end_ns);
  bool is_end(std::string_view payload, size_t length) const;
  void end_result(std::string_view payload, size_t length, u64 end_ns);
  void finish(u64 end_ns, std::string_view code);
  void wrong();
  void orphan(const Frame& frame);
  bool begins(Side from, const Piece& piece) const;
  void lose_all(const char* cause);
  void fail_all(u64 time_ns);
  void interrupt_all(u64 time_ns);
  void lose_track(Side from, u64 time_ns);
  void stop(const char* reason);

  Conversation& talk_;
  db::Statements statements_;  // by number
  FrameReader asking_, answering_;
  Phase phase_ = Phase::greeting;
  bool seeks_[2] = {false, false};
  bool whole_ = true;     // all was seen from the first byte on
  bool missing_ = false;  // a hole may have held commands
  bool wrong_ = false;    // what came does not fit
  bool continues_[2] = {false, false};  // the packet before was of the greatest length
  u32 capabilities_ = 0;
  bool known_ = false;    // the capabilities are
  std::string_view system_ = "mysql";
  std::string database_;
  sql::Escapes escapes_ = sql::Escapes::yes;
  std::deque<Sent> sent_;
  QueryPointer last_prepared_;
};

}  // namespace clover::mysql
