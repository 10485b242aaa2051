// The session core: flows, ledger, evidence and batches of one capture or replay. Not thread-safe.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <unordered_map>

#include "connection.h"
#include "datagrams.h"
#include "dialed.h"
#include "red.h"
#include "outbox.h"
#include "spans.h"
#include "wire.h"

namespace clover {

// What a session is started with.
struct Settings {
  u64 boot = 0;
  u64 open_timeout_ns = 10'000'000'000;
  // A connection without payload is forgotten: keep-alives of TCP do not come up. Whatever tracks connections of pods on a node knows one
  // for as long (conntrack-tcp-timeout-established of kube-proxy). While a request on it is open it is an hour.
  u64 idle_ns = 86'400'000'000'000;
  u64 batch_ns = 1'000'000'000;
  size_t batch_bytes = 768 * 1024;
  bool detailed = false;  // SpanWriter
  bool evidence = true;   // kept
  size_t memory_bytes = SIZE_MAX;  // that the session may hold, about (Session::shed)
};

// Which requests are this session's, by when they begin: CLOCK_MONOTONIC in ns, `until_ns` not included.
struct Window {
  u64 from_ns = 0;
  u64 until_ns = UINT64_MAX;
};

// Sockets that closed, by what came of the comparison with their connections. Those that differ are among those compared.
struct SocketCounts {
  u64 deaf_points = 0;
  u64 compared = 0;
  Counts differ, uncompared;
};

// Where requests went, or sessions: seen = spans + sampled out + open + lost.
struct RequestCounts {
  u64 seen = 0, spans = 0, sampled_out = 0, open = 0;
  Counts lost;
};

// Where every byte and every request went (native/capture/types.ts, CaptureLedger).
struct Ledger {
  u64 received = 0;  // payload bytes that came up from the wire
  u64 parsed = 0;
  u64 pending = 0;
  Counts skipped, lost;
  RequestCounts requests;
  RequestCounts sessions;  // that follow a request, and are none
  u64 records = 0, lost_records = 0;  // of access logs
  u64 fields = 0, unknown_fields = 0;  // of headers that refer to earlier ones (HPACK)
  u64 connections_open = 0, connections_seen = 0;
  u64 connections_evicted = 0;  // open ones that were forgotten as there was no room for all
  Counts contradicted;  // connections that speak something else than their server's port is said to
  SocketCounts sockets;
  // From the predecessor: connections that go on as it left them, pending bytes of theirs, requests that were open when it did not
  // wait for them any more (they are seen here), and what could not be taken.
  u64 taken_over = 0, inherited = 0, inherited_requests = 0;
  Counts refused;

  RequestCounts& of(const Request& request) { return request.session ? sessions : requests; }
};

// Turns segments into spans, evidence and a ledger. Single-threaded; knows no kernel and no JS.
class Session {
 public:
  explicit Session(const Settings& settings);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // What came before `whole_from_ns` (CLOCK_MONOTONIC) came in one direction alone, and is skipped.
  void attach(u32 ifindex, const Identity& identity, u64 whole_from_ns = 0, const Sampling& sampling = {},
              const Selection& selection = {});
  // The point has a name that a successor knows it by, too; else it is its number.
  void set_place(u32 ifindex, u64 place) { pods_.at(ifindex)->place = place; }
  void detach(u32 ifindex);
  void detach_all();
  // Other ports are not traced from now on: what is open there is detached.
  void set_ports(const tap_settings& ports);
  // Sessions of TLS of a process that is there no more.
  void end_process(u32 process);
  void segment(const Segment& segment);
  // A socket says what it has counted; all that it has counted came before.
  void closed(const ClosedSocket& socket);
  // Behind the SYN of its connection.
  void dialed(const Dialed& dialed);
  // One of a recording, which does not know who is the pod: whichever end it is that serves, as far as that shows.
  void undirected(Segment segment);
  // The recording is over: what is open becomes incomplete spans.
  void end_recording();
  // Moves the clock: stuck requests, overdue holes, batches, dead flows.
  void advance(u64 now_ns);
  void close_batch();
  // Requests that begin outside are followed, so that pairing never breaks, and are not counted.
  void set_window(const Window& window) { window_ = window; }
  // What a successor has to know of connections that are open, to go on where this session stands.
  std::string hand_over();
  // Goes on where another session stood, from which the bytes are; they may be anything. Only for one whose window has not
  // begun. What cannot be taken is counted as refused by cause, and stays as this session knows it.
  void take_over(std::string_view state);
  // Its source minds `wishes`, and tells of a flow how many packets it has left out for them.
  void set_wishing(std::function<u32(const FlowKey&)> left_out) { left_out_ = std::move(left_out); }
  // The requests of this session's window that are open: from now on they are a successor's that has taken over before.
  std::string hand_over_requests();
  // Counts what another session does not wait for. Those that this one does not follow are lost as `handover`.
  void take_over_requests(std::string_view requests);
  // Only sets the clock that arrivals are stamped with.
  void tick(u64 now_ns) { now_ns_ = std::max(now_ns_, now_ns); }

  // Everything before this was drained from the ring; bounds the watermarks.
  void drained_until(u64 ns) { drained_ns_ = std::max(drained_ns_, ns); }
  u64 evidence_watermark() const;
  u64 span_watermark() const;
  // Of which interfaces only one direction of some connections came up.
  std::vector<const Pod*> one_way() const;

  Ledger ledger;
  Evidence evidence;
  Red red;
  std::deque<Batch> batches;
  std::vector<Wish> wishes;  // for who feeds it, to be taken and cleared
  const Settings settings;

 private:
  friend class Connection;
  friend class Conversation;
  static constexpr size_t kMaxConnections = 100'000;  // open ones, about 0.5 KiB each
  using Flows = std::unordered_map<const FlowKey*, std::unique_ptr<Connection>, FlowHash, SameFlow>;
  struct TraceKey {
    u32 ifindex;
    std::array<u8, 16> id;
    bool operator==(const TraceKey& o) const { return ifindex == o.ifindex && id == o.id; }
  };
  struct TraceHash {
    size_t operator()(const TraceKey& key) const {
      return mix(load64(key.id.data()) ^ mix(load64(key.id.data() + 8) + key.ifindex));
    }
  };
  struct Grave {
    FlowKey key;
    u64 id;
    u64 since_ns;
  };

  void push(Batch batch);
  void drop_oldest_batch();
  static FlowKey key_of(const Segment& segment);
  Connection* known(const FlowKey& key);
  bool goes_to_pod(Segment& segment);
  Connection* connection_for(const Segment& segment, Pod& pod);
  void count_open(Connection& connection, Standing standing);
  void renew(Connection& connection, const Segment& segment);
  void datagram(const Segment& segment, Pod& pod);
  void forget(DatagramFlow& flow, const char* cause);
  void file(DatagramFlow& flow);
  void sweep_datagrams();
  void select(Pod& pod, const Selection& selection);
  Flows::iterator forget(Flows::iterator at);
  Flows::iterator drop(Flows::iterator at, End end);
  void forget(const Connection& connection) { forget(flows_.find(&connection.key())); }
  Pod* pod_at(u64 place);
  const char* take_over_connection(State& state);
  const char* take_over_state(State& state);
  static void write_head(State& state);
  static const char* refuse_head(State& state);
  u64 mark_of(const Request& request) const;
  void give(Request& request);
  void take(Request& request);
  void bury(Connection& connection);
  void forget_oldest_grave();
  void forget_unopened();
  const char* compare(const ClosedSocket& socket);
  void let_go(Connection& connection);
  void sweep();
  void settle_waiting();
  size_t memory() const;
  size_t room() const;
  void make_way();
  void shed();
  void shed_heads(size_t goal);
  bool evict(Standing last, End end);
  u64 oldest_waiting() const;

  // For Connection and Conversation.
  Leg& leg(Pod& pod, u16 port);
  // Of the connection that carries this session of TLS; null where it is not known.
  const Connection* on_wire(FlowKey key) const;
  void opened(Request* request, Pod& pod);
  void closed(Request* request, Pod& pod);
  void emit(Pod& pod, const Request& request, const SpanPlace& place);
  void meet(Request& request, const Pod& pod);
  void stamp_by_trace(Pod& pod, const Request& sent);
  void await(Connection& connection);
  // Everything of a flow is wanted again.
  void want(const FlowKey& key) {
    Wish all;
    all.key = key;
    wish(all);
  }
  void wish(const Wish& wish) {
    if (left_out_) wishes.push_back(wish);
  }
  // Another one counts, for as long as is known.
  bool shadows() const { return window_.from_ns == UINT64_MAX; }
  bool owns(u64 monotonic_ns) const {
    return monotonic_ns >= window_.from_ns && monotonic_ns < window_.until_ns;
  }

  Window window_;
  std::function<u32(const FlowKey&)> left_out_;
  u64 now_ns_ = 0;
  u64 drained_ns_ = 0;
  u64 batch_since_ns_ = 0;
  u64 swept_ns_ = 0;
  size_t held_bytes_ = 0;
  u64 held_length_ = 0;  // the part of ledger.pending that is held
  u64 kept_bytes_ = 0;
  size_t parser_bytes_ = 0;  // of connections
  RequestPool pool_;
  OpenList open_;   // younger than the timeout
  OpenList stuck_;  // older
  SpanWriter writer_;
  Outbox spans_, records_;
  std::unordered_map<u32, std::unique_ptr<Pod>> pods_;
  Flows flows_;
  std::array<AgeList<Connection>, kStandings> open_flows_;  // open ones of flows_, by Standing
  Connection* last_known_ = nullptr;  // one of flows_: segments of a connection come in rows
  std::unordered_map<FlowKey, std::unique_ptr<DatagramFlow>, FlowHash> datagrams_;
  AgeList<DatagramFlow> answered_, asking_;  // those of which all that was asked is answered, and others
  std::unordered_map<TraceKey, Request*, TraceHash> traces_;
  std::unordered_map<u64, Sampling> callers_;  // by what open CLIENT requests call as
  std::vector<Connection*> waiting_;
  u64 waiting_due_ns_ = UINT64_MAX;  // nothing of them is overdue before
  std::set<std::string, std::less<>> inherited_reasons_;
  std::deque<Grave> graves_;
};

}  // namespace clover
