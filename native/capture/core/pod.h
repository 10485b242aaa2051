// One traced interface: who is behind it, its spans of the open batch, its server legs.
#pragma once

#include "evidence.h"
#include "phases.h"
#include "sampling.h"
#include "selection.h"

namespace clover {

// Who a pod is: the resource attributes of its spans.
struct Identity {
  std::string name_space, name, uid, node, service, version;
};

struct RedService;
class State;

// What a protocol knows of a pod beyond one flow.
class PodState {
 public:
  virtual ~PodState() = default;
  // Fails what has waited too long. Called about once a second.
  virtual void expire(u64 now_ns) = 0;
  // Nothing follows: what is open is lost with this cause.
  virtual void close(const char* cause, u64 now_ns) = 0;
  // What a successor has to know, in parts of which it can do without some.
  virtual std::vector<std::string> hand_over() = 0;
  // Learns one part; false where it is none.
  virtual bool take_over(State& state) = 0;
};

// A traced pod: its identity and the legs that its servers take requests on.
struct Pod {
  u32 ifindex = 0;
  u64 place = 0;  // where another process of the node finds the same packets (CapturePoint)
  bool shadowed = false;  // attached while another agent counted here
  u64 first_ns = 0;  // Unix, the first that was seen here
  u64 whole_from_ns = 0;  // CLOCK_MONOTONIC from which both directions come up
  u64 unfollowed_ns = 0;  // Unix, until which it may have had connections that are not known now, though bytes of theirs came up
  // Connections seen from their start on: with both directions, and with data in one alone.
  u64 both_ways = 0, one_way = 0;
  Identity identity;
  Sampling sampling;
  Selection selection;
  std::shared_ptr<RedService> red;  // null where no metrics are kept
  std::string resource;  // encoded ResourceSpans.resource field
  std::string spans;     // encoded ScopeSpans.spans fields of the open batch
  std::string records;   // the same of ScopeLogs.log_records
  std::map<u16, Leg> legs;
  Lookups lookups;
  std::map<std::string_view, std::unique_ptr<PodState>> states;  // by protocol

  // Something of it waits in an Outbox.
  bool in_batch() const { return !spans.empty() || !records.empty(); }
};

}  // namespace clover
