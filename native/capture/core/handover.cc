// A planned restart: what a session tells its successor of connections, and how that one goes on with them.
//
// The bytes are a head, and records of one connection each, or of what a protocol knows of a pod. A connection's says where both
// streams stand, by sequence number, so that the successor drops what it sees again and reads on behind it. With it come the requests
// that are open: the successor follows copies of them, and counts none until it is given them (handover_requests.cc).
#include "../bpf/tap.h"
#include "protocols/websocket.h"
#include "session.h"

namespace clover {
namespace {

constexpr u32 kMagic = 0x6f486c43;  // "ClHo"
// Of the layout of everything that a hand_over() writes, and of the enumerations in it. test/native/capture/handover-protocols.test.ts
// fails where that changes and this does not.
constexpr u32 kVersion = 8;
constexpr size_t kMaxState = 8 * 1024 * 1024;  // what is beyond has to find its own way in
constexpr size_t kMaxWaiting = 4096;
constexpr size_t kMaxReason = 32, kMaxReasons = 64;

void hand_over_key(State& state, FlowKey& key, u64& place) {
  for (Address* address : {&key.pod, &key.peer})
    for (u8& byte : *address) state.number(byte);
  state.numbers(place, key.pod_port, key.peer_port);
}

enum class Kind : u8 { connection, pod_state };

// Sessions of WebSocket begin in HTTP, and nowhere else.
constexpr std::string_view kWebSocket = "websocket";

}  // namespace

void Conversation::hand_over(State& state) {
  state.numbers(id_, ordinals_);
  for (std::unique_ptr<End>* known : {&forwarded_, &dialed_}) {
    End end = *known != nullptr ? **known : End();
    state.number(end.port);
    state.text(end.address);
    if (state.reads() && !end.address.empty()) *known = std::make_unique<End>(end);
  }
  state.flags(late_, has_roles_, pod_serves_);
  bool untold = phases_ != nullptr && phases_->known();
  state.flag(untold);
  if (untold && state.reads()) phases_ = std::make_unique<Phases>();
  if (untold)
    state.numbers(phases_->dns_start_ns, phases_->dns_end_ns, phases_->connect_start_ns, phases_->connect_end_ns,
                  phases_->tls_start_ns);
  std::string reason = stopped_ != nullptr ? stopped_ : "";
  state.text(reason);
  if (!state.reads() || reason.empty()) return;
  auto& known = session_.inherited_reasons_;
  state.require(reason.size() <= kMaxReason && (known.count(reason) > 0 || known.size() < kMaxReasons));
  if (state.ok()) stopped_ = known.insert(reason).first->c_str();
}

void Connection::hand_over(State& state, Held& held) {
  Piece& piece = held.piece;
  state.numbers(piece.length, piece.seq, piece.ack, piece.time_ns, piece.monotonic_ns);
  state.flags(piece.has_ack, piece.unwanted);
  std::string bytes(held.bytes.begin(), held.bytes.end());
  state.text(bytes);
  if (!state.reads()) return;
  state.require(piece.length <= TAP_MAX_PAYLOAD && (bytes.empty() || bytes.size() == piece.length));
  held.bytes.assign(bytes.begin(), bytes.end());
  if (!bytes.empty()) piece.data = held.bytes.data();
}

void Connection::hand_over(State& state, Stream& stream) {
  // Of which protocol first bytes are is told anew: they are written as if their turn were still to come.
  std::vector<Held*> waiting;
  if (opening_ != nullptr)
    for (Opening::Part& part : opening_->parts)
      if (part.to_pod == stream.to_pod) waiting.push_back(&part.held);
  u32 next = waiting.empty() ? stream.next : waiting.front()->piece.seq;
  for (Held& held : stream.held) waiting.push_back(&held);
  state.flags(stream.synced, stream.by_syn, stream.fin, stream.finished, stream.has_acked);
  state.numbers(stream.isn, next, stream.fin_seq, stream.fin_ack, stream.acked);
  size_t count = state.count(waiting.size());
  state.require(count <= kMaxWaiting);
  for (Held* held : waiting) hand_over(state, *held);
  if (!state.reads()) return;
  stream.next = next;
  stream.fin_arrived_ns = session_.now_ns_;
  for (size_t i = 0; i < count && state.ok(); i++) {
    Held held;
    hand_over(state, held);
    state.require(stream.held.empty() || seq_diff(stream.held.back().piece.seq, held.piece.seq) <= 0);
    if (!state.ok()) return;
    session_.ledger.inherited += held.piece.length;
    stream.held.push_back(keep(held.piece));
  }
}

bool Connection::can_hand_over() const {
  size_t waiting = in_.held.size() + out_.held.size() + (opening_ != nullptr ? opening_->parts.size() : 0);
  // A successor counts the bytes of a session of TLS from where it meets that.
  return !closed_ && talk_.key().session == 0 && waiting <= kMaxWaiting && (parser_ == nullptr || !parser_->handed_over_as().empty());
}

void Connection::hand_over(State& state) {
  talk_.hand_over(state);
  state.flags(within_, seen_in_, seen_out_);
  state.numbers(missed_[0], missed_[1], last_piece_ns_);
  hand_over(state, in_);
  hand_over(state, out_);
  Parser* reader = parser();
  std::string name(reader != nullptr ? reader->handed_over_as() : "");
  state.text(name);
  if (state.reads() && state.ok()) {
    bool session = name == kWebSocket;
    const Protocol* protocol = protocol_named(session ? "http" : name);
    bool reads = protocol != nullptr && protocol->streams && protocol->parser != nullptr;
    state.require(reads ? talk_.stopped() == nullptr : name.empty());
    if (state.ok() && reads) read_by(session ? make_websocket(talk_) : protocol->parser(talk_));
    protocol_ = protocol;
    state.require(parser_ == nullptr || parser_->handed_over_as() == name);
  }
  if (parser_ != nullptr) parser_->hand_over(state);
  // What a damaged state has left in a parser is let go by its close.
  if (state.ok()) settle();
}

void Connection::go_on() {
  select();
  drain();
  session_.await(*this);
}

bool Connection::is_ahead_of(const Connection& other) const {
  // Of what is not read nobody minds the place.
  if (other.talk_.stopped() != nullptr) return false;
  for (bool to_pod : {false, true}) {
    const Stream &mine = to_pod ? in_ : out_, &theirs = to_pod ? other.in_ : other.out_;
    if (mine.synced && (!theirs.synced || seq_diff(mine.next, theirs.reach()) > 0)) return true;
  }
  return false;
}

std::string Session::hand_over() {
  State all = State::writing();
  write_head(all);
  auto append = [&all](const State& one) {
    std::string record = one.bytes();
    if (one.ok() && all.bytes().size() + record.size() <= kMaxState) all.text(record);
  };
  for (auto& [ifindex, pod] : pods_) {
    for (auto& [protocol, known] : pod->states) {
      for (const std::string& part : known->hand_over()) {
        State one = State::writing();
        Kind kind = Kind::pod_state;
        std::string name(protocol);
        one.choice(kind, Kind::pod_state);
        one.number(pod->place);
        one.text(name);
        one.append(part);
        append(one);
      }
    }
  }
  // Where not all of it has room, those that are between requests do without most easily.
  for (bool idle : {false, true}) {
    for (auto& [key, connection] : flows_) {
      if (!connection->can_hand_over() || connection->idle() != idle) continue;
      State one = State::writing();
      Kind kind = Kind::connection;
      FlowKey written = *key;
      u64 place = pods_.at(key->ifindex)->place;
      one.choice(kind, Kind::pod_state);
      hand_over_key(one, written, place);
      connection->hand_over(one);
      append(one);
    }
  }
  return all.bytes();
}

Pod* Session::pod_at(u64 place) {
  auto pod = std::find_if(pods_.begin(), pods_.end(), [&](const auto& one) { return one.second->place == place; });
  return pod == pods_.end() ? nullptr : pod->second.get();
}

// Each says why it was refused, or null.
const char* Session::take_over_state(State& state) {
  u64 place = 0;
  std::string name;
  state.number(place);
  state.text(name);
  const Protocol* protocol = protocol_named(name);
  if (!state.ok() || protocol == nullptr || protocol->pod_state == nullptr) return "malformed";
  Pod* pod = pod_at(place);
  if (pod == nullptr) return "unknown_point";
  if (!(pod->selection.protocols >> (protocol - kProtocols.data()) & 1)) return kNotSelected;
  auto& known = pod->states[protocol->name];
  if (known == nullptr) known = protocol->pod_state(*this, *pod);
  return known->take_over(state) ? nullptr : "malformed";
}

const char* Session::take_over_connection(State& state) {
  FlowKey key;
  u64 place = 0;
  hand_over_key(state, key, place);
  Pod* pod = pod_at(place);
  if (pod == nullptr) return "unknown_point";
  key.ifindex = pod->ifindex;
  if (ledger.connections_open >= kMaxConnections) return "too_many_connections";
  auto taken = std::make_unique<Connection>(*this, *pod, key);
  taken->last_seen_ns = now_ns_;
  count_open(*taken, Standing::spoken);
  taken->hand_over(state);
  Connection* before = known(key);
  const char* refused = !state.at_end()                                   ? "malformed"
                        : before != nullptr && before->closed()           ? "closed"
                        : before != nullptr && before->is_ahead_of(*taken) ? "behind"
                                                                          : nullptr;
  if (refused != nullptr) {
    taken->close(End::detached);
    return refused;
  }
  if (before != nullptr) {
    before->close(End::detached);
    forget(*before);
    // What was wished of it may be wrong.
    want(key);
  } else {
    ledger.connections_seen++;
  }
  ledger.taken_over++;
  flows_.emplace(&taken->key(), std::move(taken)).first->second->go_on();
  return nullptr;
}

void Session::write_head(State& state) {
  u32 magic = kMagic, version = kVersion;
  state.numbers(magic, version);
}

const char* Session::refuse_head(State& state) {
  u32 magic = 0, version = 0;
  state.numbers(magic, version);
  return magic != kMagic ? "malformed" : version != kVersion ? "other_version" : nullptr;
}

void Session::take_over(std::string_view bytes) {
  State all = State::reading(bytes);
  const char* refused = refuse_head(all);
  if (refused == nullptr && !shadows()) refused = "too_late";
  if (refused != nullptr) return add(ledger.refused, refused, 1);
  while (!all.at_end()) {
    std::string record;
    all.text(record);
    if (!all.ok()) return add(ledger.refused, "malformed", 1);
    State one = State::reading(record);
    Kind kind = Kind::connection;
    one.choice(kind, Kind::pod_state);
    const char* why = !one.ok()                    ? "malformed"
                      : kind == Kind::connection ? take_over_connection(one)
                                                 : take_over_state(one);
    if (why != nullptr) add(ledger.refused, why, 1);
  }
}

}  // namespace clover
