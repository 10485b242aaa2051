// One connection of HTTP/1.x.
#pragma once

#include <vector>

#include "../sparing.h"
#include "../text_head.h"
#include "http1_body.h"

namespace clover::http1 {

enum class Phase : u8 {
  seek,   // somewhere inside a message: waits for a segment that begins one
  start,  // between messages
  head,
  body,
};

// How much a block is of a head.
enum class Extent : u8 {
  whole,
  large,  // its beginning: what follows comes behind its end
  begun,  // its beginning: what follows is more of it
};

// The messages of one end.
struct Messages {
  explicit Messages(Side side) : from(side) {}

  Side from;
  Phase phase = Phase::start;
  bool ended = false;
  TextHead head;
  BodyReader body;
  Piece first;           // of the message's first byte, without the bytes
  bool foreign = false;  // the message began outside of the session's window
  Sparing sparing;       // of its body
  Request* current = nullptr;  // the request sent, or answered, by the message
};

class Http1 final : public Parser {
 public:
  explicit Http1(Conversation& talk) : talk_(talk) {}

  u32 read(Side from, const Piece& piece) override;
  void join(Side from) override { of(from).phase = Phase::seek; }
  void hole(Side from, u32 length, u64 time_ns) override;
  void end(Side from, u64 time_ns) override;
  void close(const char* cause, u64 time_ns) override;
  bool idle() const override { return queue_.empty(); }
  bool blank() const override;
  size_t bytes() const override { return 768; }
  std::string_view handed_over_as() const override { return "http"; }
  void hand_over(State& state) override;

 private:
  Messages& of(Side from) { return from == Side::client ? asking_ : answering_; }
  Messages& peer_of(const Messages& mine) { return of(other(mine.from)); }
  static bool is_request(const Messages& mine) { return mine.from == Side::client; }

  void hand_over(State& state, Messages& mine);
  void begin_message(Messages& mine, const Piece& piece);
  u32 read_head(Messages& mine, const Piece& piece);
  void cut_head(Messages& mine, const Piece& piece);
  void on_head(Messages& mine, std::string_view block, const Piece& piece, Extent extent, std::string_view kept = {});
  bool answers_early();
  void on_request(const Head& head, const Piece& piece);
  void on_response(const Head& head, const Piece& piece);
  void upgrade(Request* request);
  void end_message(Messages& mine, u64 time_ns);
  Request* match();
  void orphan();
  void stop(const char* reason);
  void desynchronise(Messages& mine, u64 time_ns);
  void drop_head(Messages& mine, const char* reason);
  void finish(Request* request, u64 end_ns, bool broken);
  void lose_all(const char* cause);
  void interrupt_all(u64 time_ns);
  void take_out(Request* request);
  void fail_open(u64 end_ns);

  Conversation& talk_;
  Messages asking_{Side::client}, answering_{Side::server};
  std::vector<Request*> queue_;  // requests whose response is due, oldest first
  bool doubt_ = false;           // pairing by order alone is not safe any more
  bool missing_requests_ = false;  // a hole may have held whole requests
  bool handed_on_ = false;         // another parser reads what follows
};

}  // namespace clover::http1
