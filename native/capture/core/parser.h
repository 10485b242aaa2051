// What a protocol is to the core: how its first bytes are told, and who reads the rest.
#pragma once

#include <memory>

#include "piece.h"
#include "state.h"

namespace clover {

class Conversation;
struct Pod;
class PodState;
class Session;

// Reads one conversation of one protocol: bytes in, requests out. It accounts for each byte that it takes as parsed, skipped or
// pending (Conversation), and keeps no more of a message than its limits say.
class Parser {
 public:
  virtual ~Parser() = default;

  // Takes bytes from the front of `piece` and returns how many: all of them, unless it stopped the conversation or handed it on.
  virtual u32 read(Side from, const Piece& piece) = 0;
  // What comes next from this end may begin in the middle of a message.
  virtual void join(Side from) = 0;
  // `length` bytes of this end, due now, crossed the wire and were not seen.
  virtual void hole(Side from, u32 length, u64 time_ns) = 0;
  // This end has said its last word.
  virtual void end(Side from, u64 time_ns) = 0;
  // Nothing follows. Open requests are lost with `cause`, or failed where it is null.
  virtual void close(const char* cause, u64 time_ns) = 0;
  // Time passes: what waits for longer than its protocol allows fails. Called now and then,
  // and for a flow of datagrams only when none has come for a while: mind it when one comes.
  virtual void expire(u64) {}
  // Whether no request is open.
  virtual bool idle() const = 0;
  // Whether another one, made in its place, would go on just the same.
  virtual bool blank() const { return false; }
  // What one takes that has read something, beside bytes that are pending: about as much as of PostgreSQL was measured. Always the same.
  virtual size_t bytes() const { return 2048; }
  // The protocol of the table as which a successor goes on; empty: it has to find its own way in.
  virtual std::string_view handed_over_as() const { return {}; }
  // Tells what it knows to a successor that was just made, or learns it, open requests with it.
  virtual void hand_over(State&) {}
};

// What the first bytes of one end say of a protocol.
enum class Verdict : u8 {
  no,
  maybe,  // more bytes decide
  yes,
};

// Where in a conversation bytes were taken from.
enum class Where : u8 {
  start,   // they are the first that this end has sent
  middle,  // they begin a segment: `yes` needs more evidence than that
  hinted,  // they begin a segment, are nothing else for sure, and the server's port is said to speak this protocol
  datagram,  // they are one, whole
};

// Whether bytes may have come before these.
inline bool is_within(Where where) { return where == Where::middle || where == Where::hinted; }

// One protocol of the table (protocols/table.cc).
struct Protocol {
  std::string_view name;
  bool streams, datagrams;  // what carries it
  Verdict (*detect)(std::string_view bytes, Side from, Where where);
  // Null: it is told from others, and not read; its bytes are skipped under its name.
  std::unique_ptr<Parser> (*parser)(Conversation& conversation);
  // What it knows of a pod beyond one flow; null: nothing.
  std::unique_ptr<PodState> (*pod_state)(Session& session, Pod& pod) = nullptr;
};

}  // namespace clover
