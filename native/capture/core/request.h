// One request from its first byte to its span, and the list of those that are open.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "piece.h"
#include "sampling.h"
#include "stamp.h"

namespace clover {

class Conversation;
struct Leg;
struct Pod;
struct RedSide;
class State;

// One request from its first byte until its span is written; taken from a pool.
struct Request {
  Request* before = nullptr;  // in an OpenList
  Request* after = nullptr;
  // Open requests with the same trace id, the newest first.
  Request* same_trace = nullptr;
  Request* newer_in_trace = nullptr;

  Conversation* talk = nullptr;  // whose it is
  u64 start_ns = 0;  // Unix, first byte
  u64 first_byte_ns = 0;
  u64 end_ns = 0;
  u32 start_seq = 0, start_ack = 0;
  u32 answer_seq = 0;  // of the response's first byte
  bool sequenced = false;    // they are sequence numbers
  bool is_answered = false;  // answer_seq is known
  u64 transaction = 0;       // in place of them: what both ends know it by, whatever carries it
  u64 twin = 0;              // tells apart those of one conversation that begin with the same byte
  u64 calls_as = 0;          // the key that it is found by while it is open (Session::meet)
  std::optional<Sampling> caller;  // what is kept at its other end, where that is seen here, too
  u64 ordinal = 0;
  bool counted = false;  // the head was whole: the ledger has seen it
  bool server = false;   // the pod received it
  bool stuck = false;
  bool foreign = false;  // another agent's: followed, and not counted
  bool traced = false;  // in the index by trace id
  bool has_body = false;   // a part of its attributes is the size
  bool bodiless = false;   // its response has no body, whatever its head says
  bool tunnel = false;     // its success ends the protocol
  bool lasting = false;     // spans others, for hours maybe: no watermark waits for it
  bool session = false;     // what follows a request, and is none: it has an account of its own
  bool incomplete = false;  // a hole took a part of what its span would say
  bool request_unsized = false, response_unsized = false;  // bytes of a body were not seen
  bool doubtful = false;    // a hole took what would say how it ended
  bool host_unknown = false;  // what would say `host` was not seen
  u32 stream_id = 0;       // of its protocol's streams, where it has some
  int status = 0;  // the protocol's own; 0 = none yet
  u32 arm = 0;         // index in the pod's arms, 0 = no stamp
  Leg* leg = nullptr;  // where its evidence counts; SERVER legs only
  RedSide* red = nullptr;  // where its metrics count; null: it is in nobody's count
  u64 request_bytes = 0;
  u64 response_bytes = 0;
  TraceContext context;
  Stamp stamp;
  std::string tracestate;
  std::string name;        // of the span
  std::string host;        // who was asked, as the request says; empty: the end that serves
  u16 port = 0;            // the same; 0: that end's
  std::string attributes;  // of the span, encoded (Attributes)
  std::string events;      // the same of its events (add_event)
  std::string error_type;  // empty: no error

  // Its response begins with `first`; only the first that is told counts.
  void answered(const Piece& first);
  // A hole took how it ended.
  void interrupt() { incomplete = doubtful = true; }
  void reset();
  // What a successor that follows it has to know.
  void hand_over(State& state);
};

// Sorted by start; almost every request goes to the end, so that this is O(1).
class OpenList {
 public:
  OpenList() = default;
  OpenList(const OpenList&) = delete;
  OpenList& operator=(const OpenList&) = delete;
  void insert(Request* request);
  void remove(Request* request);
  Request* first() const { return first_; }

 private:
  Request* first_ = nullptr;
  Request* last_ = nullptr;
};

// What one takes with its strings, about.
inline constexpr size_t kRequestBytes = 1024;

// Requests are used again, with the memory of their strings; what a burst has left is freed.
class RequestPool {
 public:
  // Whoever takes one gives it back.
  Request* take();
  void give(Request* request);
  // How many are taken.
  size_t size() const { return taken_; }

 private:
  size_t taken_ = 0;
  std::vector<std::unique_ptr<Request>> unused_;
};

}  // namespace clover
