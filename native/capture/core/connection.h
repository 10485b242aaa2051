// A TCP connection on one interface. It delivers segments in causal order, so that arrival order,
// duplicates and overlaps never show: a segment waits for the bytes before it in its own stream,
// and for every byte of the other stream that it acknowledges. exchange.cc reads HTTP from that.
#pragma once

#include "stream.h"

namespace clover {

class Session;

// Why a connection is over.
enum class End : u8 { fin, reset, replaced, detached, idle };

// One TCP connection at one pod: both streams reassembled, parsed, and paired into requests.
class Connection {
 public:
  Connection(Session& session, Pod& pod, const FlowKey& key, const Segment& first);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void segment(const Segment& segment);
  // Gives up waiting for what is overdue. Returns whether something still waits.
  bool resolve(u64 now_ns);
  void close(End end);
  // False where a SYN begins another connection with the same addresses.
  bool continues(const Segment& segment) const;

  bool closed() const { return closed_; }
  bool idle() const { return queue_.empty(); }
  // Time of the oldest piece that waits, or UINT64_MAX: a request may begin in it.
  u64 oldest_held() const;
  const FlowKey& key() const { return key_; }
  u64 id() const { return id_; }

  u64 last_seen_ns = 0;
  bool listed = false;  // in the session's list of those that wait

 private:
  Stream& side(bool to_pod) { return to_pod ? in_ : out_; }
  Stream& peer_of(const Stream& stream) { return stream.to_pod ? out_ : in_; }
  bool is_request(const Stream& stream) const { return stream.to_pod == pod_serves_; }

  // connection.cc: order
  void note_way(const Segment& segment);
  void synchronise(Stream& mine, const Segment& segment);
  void offer(Stream& mine, Piece piece);
  void hold(Stream& mine, const Piece& piece);
  bool waits(const Stream& mine, u32 ack, bool has_ack);
  bool trim(const Stream& mine, Piece& piece);
  void deliver(Stream& mine, const Piece& piece);
  void release(Stream& mine, std::list<Held>::iterator at);
  u64 overdue_at(const Stream& mine) const;
  void drain();
  bool drain_one(Stream& mine);
  bool fill_oldest_hole();
  void skip_to(Stream& mine, u32 seq);

  // exchange.cc: HTTP
  void feed(Stream& mine, Piece piece);
  bool seek(Stream& mine, const Piece& piece);
  u32 feed_head(Stream& mine, const Piece& piece);
  void begin_message(Stream& mine, const Piece& piece);
  void cut_head(Stream& mine, const Piece& piece);
  void on_head(Stream& mine, std::string_view block, const Piece& piece, bool whole);
  bool answers_early(const Stream& mine);
  void on_request(Stream& mine, const Head& head, const Piece& piece);
  void on_response(Stream& mine, const Head& head, const Piece& piece);
  void end_message(Stream& mine, const Piece& piece);
  Request* match(const Stream& mine);
  void orphan(const Stream& mine);
  void abandon(const char* reason);
  void desynchronise(Stream& mine);
  void drop_head(Stream& mine, const char* reason);
  void finish(Request* request, u64 end_ns, bool broken);
  void lose(Request* request, const char* cause);
  void take_out(Request* request);
  void fail_open(u64 end_ns);

  Session& session_;
  Pod& pod_;
  FlowKey key_;
  u64 id_ = 0;
  u64 ordinals_ = 0;
  Stream in_, out_;
  std::vector<Request*> queue_;  // requests whose response is due, oldest first
  const char* skipping_ = nullptr;
  size_t held_bytes_ = 0;
  u64 last_piece_ns_ = 0;
  bool closed_ = false;
  bool role_known_ = false;
  bool pod_serves_ = false;
  bool late_ = false;             // it began before the capture
  bool seen_in_ = false, seen_out_ = false;
  bool one_way_ = false;          // counted as such in its pod
  bool doubt_ = false;            // pairing by order alone is not safe any more
  bool missing_requests_ = false; // a hole may have held whole requests
  std::string pod_text_, peer_text_;
};

}  // namespace clover
