// Datagrams between two sockets: each is whole, and none is sent again by what carries it.
#pragma once

#include "age_list.h"
#include "conversation.h"

namespace clover {

// The datagrams of one pair of addresses, read by the parser of their protocol.
class DatagramFlow {
 public:
  DatagramFlow(Session& session, Pod& pod, const FlowKey& key, u64 first_ns);
  ~DatagramFlow();
  DatagramFlow(const DatagramFlow&) = delete;
  DatagramFlow& operator=(const DatagramFlow&) = delete;

  void datagram(const Segment& segment);
  // Fails what nobody answered in time. True where nothing is open.
  bool expire(u64 now_ns);
  // All that was asked is answered.
  bool answered() const { return parser_ != nullptr && parser_->idle(); }
  void close(const char* cause);
  // Whether its pod's Taps say something else of its protocol than they did.
  bool reselected() const;
  const FlowKey& key() const { return talk_.key(); }

  // In one of the session's lists, by last_seen_ns.
  u64 last_seen_ns = 0;
  AgeList<DatagramFlow>* list = nullptr;
  DatagramFlow* before = nullptr;
  DatagramFlow* after = nullptr;

 private:
  bool recognise(bool to_pod, const Piece& piece);
  void settle();

  Conversation talk_;
  const Protocol* protocol_ = nullptr;  // once it is told
  std::unique_ptr<Parser> parser_;
  u32 unrecognised_ = 0;
  u64 last_piece_ns_ = 0;
};

}  // namespace clover
