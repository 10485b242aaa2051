// One connection of PostgreSQL's protocol.
#pragma once

#include <deque>

#include "../db_statements.h"
#include "postgresql_message.h"

namespace clover::pg {

inline constexpr size_t kMaxOpen = 32'768;  // messages of one connection without an answer

using db::QueryPointer;

// What libpq calls that which was sent behind a failure and not carried out.
inline constexpr std::string_view kAborted = "pipeline_aborted";

enum class Kind : u8 { startup, query, function, parse, bind, describe, close, execute, sync };

// A message that the server answers, in order.
struct Sent {
  Kind kind;
  Request* request = nullptr;  // of a sync: what was prepared before it and is not executed
  QueryPointer query;
  std::string name;  // of the statement that it made
  u32 seq = 0;
  std::string code;  // how it failed
  u64 end_ns = 0;
  u64 more = 0;      // such behind it, of syncs without a request
};

// Whether the server says behind it that it is ready for the next.
bool ends(const Sent& sent);

class Postgresql final : public Parser {
 public:
  explicit Postgresql(Conversation& talk);

  u32 read(Side from, const Piece& piece) override;
  void join(Side from) override;
  void hole(Side from, u32 length, u64 time_ns) override;
  void end(Side from, u64 time_ns) override;
  void close(const char* cause, u64 time_ns) override;
  bool idle() const override { return sent_.empty() && group_ == nullptr; }
  std::string_view handed_over_as() const override { return "postgresql"; }
  void hand_over(State& state) override;

 private:
  void hand_over(State& state, Sent& sent);
  FrameReader& of(Side from);
  bool on_opening(const Frame& frame);
  void answer_opening(Piece& piece);
  bool on_asked(const Frame& frame);
  bool on_answered(const Frame& frame);

  void on_query(const Frame& frame);
  void on_parse(const Frame& frame);
  void on_bind(const Frame& frame);
  void on_close(const Frame& frame);
  void on_execute(const Frame& frame);
  void on_sync(const Frame& frame);
  bool push(Kind kind, const Frame& frame, Request* request = nullptr, QueryPointer query = nullptr);
  Sent take();
  bool shed(const Frame& frame);
  void ask(Kind kind, const Frame& frame, Request* request);
  Request* group(const Frame& frame);
  void open(Request* request, const sql::Query* query);

  void on_error(std::string_view body, u64 end_ns);
  void on_complete(u64 end_ns);
  void on_ready(const Frame& frame);
  void settle(const Piece& first);
  size_t due(const Piece& answer) const;
  void on_copy_in();
  bool on_replication(const Frame& frame);
  void pop(Kind kind);
  void finish(Sent sent, u64 end_ns, std::string_view failure);
  void forget(Sent& sent, const char* cause);
  void interrupt(Sent& sent, u64 end_ns);
  void orphan(const Piece& first);
  void lose_all(const char* cause);
  void fail_all(u64 time_ns);
  void lose_track(Side from, u64 time_ns);
  void stop(const char* reason);

  Conversation& talk_;
  db::Statements statements_, portals_;
  FrameReader opening_, asking_, answering_;
  bool opens_ = true;     // the client's next message has no type
  u32 waits_ = 0;         // the request for encryption that is not answered yet
  bool seeks_[2] = {false, false};
  bool whole_ = true;     // all was seen from the first byte on
  bool unsure_ = false;   // which answer belongs to what was sent is not known
  bool begins_ = true;    // the server's next message begins an answer
  bool unknown_ = false;  // nobody knows to what
  bool missing_ = false;  // a hole may have held requests
  std::deque<Sent> sent_;
  Request* group_ = nullptr;  // begun by Parse or Bind, for the next Execute
  QueryPointer group_query_;
  bool shedding_ = false;     // more is open than is followed: what comes only counts, up to the next Sync
  bool aborting_ = false;     // an error was answered, and its Sync was not sent yet
  std::string abort_code_;    // and nobody has it
  bool copying_ = false;      // the client sends data: its Sync and Flush are ignored
  std::string database_;
  sql::Escapes escapes_ = sql::Escapes::unknown;
};

}  // namespace clover::pg
