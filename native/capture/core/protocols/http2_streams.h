// The requests of an HTTP/2 connection, by stream (RFC 9113 §5 and §8).
#pragma once

#include <map>
#include <vector>

#include "../http_span.h"
#include "hpack.h"
#include "http2_frames.h"

namespace clover {

// Servers allow some hundred; what is above is counted, and not followed.
inline constexpr size_t kMaxStreams = 10'000;
inline constexpr size_t kMaxUnseen = 16;

// Turns frames of both ends into requests and their ends.
class Http2Streams final : public FrameSink {
 public:
  explicit Http2Streams(Conversation& talk) : talk_(talk) {}
  ~Http2Streams() override { talk_.keep(-i64{kept_}); }
  Http2Streams(const Http2Streams&) = delete;
  Http2Streams& operator=(const Http2Streams&) = delete;

  void begin_block(Side from, const FrameHead& head, const Piece& first) override;
  bool block(Side from, const HeaderBlock& block) override;
  void data(Side from, const DataPart& part) override;
  void frame(Side from, const FrameHead& head, std::string_view payload, u64 time_ns) override;
  void stepped_over(Side from, u64 time_ns) override;

  // The request that the connection was upgraded by.
  void adopt(Request* request);
  // Frames of this end were missed, blocks among them.
  void lose_track(Side from, u64 time_ns);
  // The open block will not be whole.
  void drop_block();
  // No more comes from the server: what it owes has failed.
  void fail_all(u64 time_ns);
  void lose_all(const char* cause);
  // What a hole made doubtful, and shows no sign of life, is lost.
  void expire(u64 time_ns);
  // The longest frame that this end takes, or 0 where it has not said.
  u32 max_frame(Side side) const { return max_frame_[static_cast<size_t>(side)]; }
  bool idle() const { return open_.empty() && opening_ == nullptr; }
  void hand_over(State& state);

 private:
  // A request that is open.
  struct Exchange {
    Request* request = nullptr;
    bool sent = false;       // the request is whole
    bool answered = false;   // the head of its response was read
    bool grpc = false;
    bool vague = false;      // something of its outcome may be in fields that are not known
    int grpc_status = -1;    // none
    u64 doubt_ns = 0;        // a hole may have held its end; since when there is no sign of it
    std::string path;        // where it is not known yet whether it is gRPC
  };
  using Exchanges = std::map<u32, Exchange>;
  // Requests that began in a hole have ids between these.
  struct Unseen {
    u32 after = 0, before = 0;
    bool hole = false;
  };

  Exchanges::iterator find(u32 stream, u64 time_ns);
  void note_tables();
  static void hand_over(State& state, Unseen& range);
  void hand_over(State& state, u32 stream, Exchange& exchange);
  void on_request(const HeaderBlock& block, const Fields& fields);
  void on_response(const HeaderBlock& block, const Fields& fields);
  bool is_request(const HeaderBlock& block, const Fields& fields) const;
  void describe(Exchange& exchange, const Fields& fields);
  void note_outcome(Exchange& exchange, const HeaderBlock& block, const Fields& fields);
  void orphan(const HeaderBlock& block);
  void reset(Side from, u32 stream, std::string_view payload, u64 time_ns);
  void go_away(u32 last, u64 time_ns);
  void settings(Side from, std::string_view payload);
  void end_response(Exchanges::iterator at, u64 end_ns);
  // `failure`: why there is no whole response, or empty.
  void finish(Exchanges::iterator at, u64 end_ns, std::string_view failure);
  void lose(Exchanges::iterator at, const char* cause);
  void doubt(Exchange& exchange, Side missed, u64 time_ns);

  Conversation& talk_;
  Hpack hpack_[2];
  u32 kept_ = 0;  // bytes of both tables
  Exchanges open_;  // by stream
  Request* opening_ = nullptr;  // its head is not whole
  u32 opening_stream_ = 0;
  u32 newest_ = 0;        // stream that the client has begun
  u32 go_away_ = UINT32_MAX;  // streams above it are not processed
  u64 next_doubt_ns_ = UINT64_MAX;
  bool fresh_[2] = {false, false};  // a request began since bytes of this end were stepped over
  u32 max_frame_[2] = {0, 0};
  std::vector<Unseen> unseen_;
};

}  // namespace clover
