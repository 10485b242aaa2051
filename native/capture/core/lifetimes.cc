// How long a session knows of a connection.
#include "session.h"

namespace clover {
namespace {

constexpr u64 kSecond = 1'000'000'000;
// Closed flows are remembered for late retransmissions, which would look like new ones.
constexpr u64 kGraveTime = 2 * kSecond;
constexpr size_t kMaxGraves = 50'000;
// Linux gives up a handshake after 63 s (tcp_synack_retries).
constexpr u64 kUnopened = 60 * kSecond;
constexpr u64 kSweepEvery = 30 * kSecond, kSweepsPerIdle = 20;
constexpr u64 kIdleOpen = 3600 * kSecond;

}  // namespace

void Session::count_open(Connection& connection, Standing standing) {
  ledger.connections_open++;
  connection.standing = standing;
  open_flows_[static_cast<size_t>(standing)].append(connection);
}

void Session::renew(Connection& connection, const Segment& segment) {
  Standing standing = connection.standing;
  if (segment.size() > 0) standing = Standing::spoken;
  else if (standing == Standing::opening && (segment.flags & kSyn) && (segment.flags & kAck)) standing = Standing::silent;
  auto& list = open_flows_[static_cast<size_t>(standing)];
  if (standing == connection.standing) return list.renew(connection);
  open_flows_[static_cast<size_t>(connection.standing)].remove(connection);
  connection.standing = standing;
  list.append(connection);
}

void Session::bury(Connection& connection) {
  ledger.connections_open--;
  open_flows_[static_cast<size_t>(connection.standing)].remove(connection);
  graves_.push_back({connection.key(), connection.id(), now_ns_});
}

Session::Flows::iterator Session::forget(Flows::iterator at) {
  Connection* gone = at->second.get();
  if (gone == last_known_) last_known_ = nullptr;
  if (gone->waiting_at != Connection::kNotWaiting) {
    waiting_[gone->waiting_at] = waiting_.back();
    waiting_[gone->waiting_at]->waiting_at = gone->waiting_at;
    waiting_.pop_back();
  }
  return flows_.erase(at);
}

// Only we have ended it: what still comes on it is not late, but to be read.
Session::Flows::iterator Session::drop(Flows::iterator at, End end) {
  bool open = !at->second->closed();
  at->second->close(end);
  // Before it speaks its source is told nothing of it.
  if (at->second->standing == Standing::spoken) want(*at->first);
  if (open) graves_.pop_back();
  let_go(*at->second);
  return forget(at);
}

void Session::await(Connection& connection) {
  if (connection.closed()) return;
  waiting_due_ns_ = std::min(waiting_due_ns_, connection.due());
  if (connection.waiting_at != Connection::kNotWaiting) return;
  connection.waiting_at = waiting_.size();
  waiting_.push_back(&connection);
}

void Session::settle_waiting() {
  if (now_ns_ < waiting_due_ns_) return;
  waiting_due_ns_ = UINT64_MAX;
  size_t kept = 0;
  for (Connection* connection : waiting_) {
    if (!connection->resolve(now_ns_)) {
      connection->waiting_at = Connection::kNotWaiting;
      continue;
    }
    waiting_due_ns_ = std::min(waiting_due_ns_, connection->due());
    connection->waiting_at = kept;
    waiting_[kept++] = connection;
  }
  waiting_.resize(kept);
}

void Session::forget_oldest_grave() {
  auto found = flows_.find(&graves_.front().key);
  if (found != flows_.end() && found->second->closed() && found->second->id() == graves_.front().id) {
    let_go(*found->second);
    forget(found);
  }
  graves_.pop_front();
}

void Session::forget_unopened() {
  while (Connection* oldest = open_flows_[static_cast<size_t>(Standing::opening)].first()) {
    if (oldest->last_seen_ns + kUnopened > now_ns_) return;
    drop(flows_.find(&oldest->key()), End::idle);
  }
}

void Session::sweep() {
  while (!graves_.empty() && (graves_.size() > kMaxGraves ||
                              graves_.front().since_ns + kGraveTime <= now_ns_))
    forget_oldest_grave();
  forget_unopened();
  if (now_ns_ < swept_ns_ + std::min(kSweepEvery, settings.idle_ns / kSweepsPerIdle)) return;
  swept_ns_ = now_ns_;
  for (auto at = flows_.begin(); at != flows_.end();) {
    Connection& connection = *at->second;
    connection.expire(now_ns_);
    u64 limit = connection.idle() ? settings.idle_ns : kIdleOpen;
    bool over = !connection.closed() && connection.last_seen_ns + limit < now_ns_;
    // What nobody wants does not come up, and is no silence.
    bool unseen = over && connection.goes_on_unseen();
    if (unseen) open_flows_[static_cast<size_t>(connection.standing)].renew(connection);
    at = over && !unseen ? drop(at, End::idle) : std::next(at);
  }
}

}  // namespace clover
