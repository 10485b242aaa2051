#include "conversation.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "../bpf/tap.h"
#include "ends.h"
#include "protocols/table.h"
#include "session.h"

namespace clover {
namespace {

constexpr u64 kMaxKept = 8 * 1024 * 1024;  // by all parsers of a session, for longer than a message

// What the kernel program was told may take so long to show, as a full ring has to be read first.
constexpr u64 kTellAgain = 1'000'000'000;

std::string address_text(const Address& address) {
  static constexpr u8 kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  char text[INET6_ADDRSTRLEN];
  if (std::memcmp(address.data(), kMapped, 12) != 0) return inet_ntop(AF_INET6, address.data(), text, sizeof(text));
  // Several times for each request: inet_ntop takes ten times as long.
  std::string out;
  for (size_t i = 12; i < address.size(); i++) {
    if (i > 12) out += '.';
    out.append(text, std::to_chars(text, std::end(text), address[i]).ptr);
  }
  return out;
}

}  // namespace

Conversation::Conversation(Session& session, Pod& pod, const FlowKey& key, u64 id, bool late)
    : session_(session), pod_(pod), key_(key), id_(id), late_(late) {}

std::string Conversation::text_of(const Address& address) const {
  if (key_.session != 0 && !key_.has_addresses()) return {};
  return address_text(address);
}

void Conversation::forwards(const Address& client, u16 port) {
  forwarded_ = std::make_unique<End>(End{address_text(client), port});
}

void Conversation::dials(const Address& named, u16 port) {
  if (dialed_ != nullptr) return;
  dialed_ = std::make_unique<End>(End{address_text(named), port});
  // Of the name that it was found by the pod has asked; the peer's address nobody has told it.
  if (phases_ != nullptr && phases_->connect_start_ns != 0)
    pod_.lookups.take(dialed_->address, phases_->connect_start_ns, *phases_);
}

const Conversation::End* Conversation::dialed() const {
  if (dialed_ != nullptr) return dialed_.get();
  const Connection* wire = on_wire();
  return wire != nullptr ? wire->dialed() : nullptr;
}

bool Conversation::locate(const FlowKey& key) {
  // A first finding may be corrected.
  if (key_.session == 0 || !key.has_addresses() || (key.pod_port == key_.pod_port && key.peer_port == key_.peer_port))
    return false;
  key_ = key;
  return true;
}

void Conversation::set_roles(bool pod_serves) {
  if (has_roles_) return;
  has_roles_ = true;
  pod_serves_ = pod_serves;
}

void Conversation::opens(bool answer, u64 time_ns) {
  if (phases_ == nullptr) phases_ = std::make_unique<Phases>();
  if (key_.session != 0) {
    if (phases_->tls_start_ns == 0) phases_->tls_start_ns = time_ns;
    return;
  }
  u64& at = answer ? phases_->connect_end_ns : phases_->connect_start_ns;
  if (at != 0) return;
  at = time_ns;
  if (!answer && !pod_serves_) pod_.lookups.take(peer_text(), time_ns, *phases_);
}

// Plain text of TLS has its connection elsewhere.
const Connection* Conversation::on_wire() const {
  return key_.session != 0 && key_.has_addresses() ? session_.on_wire(key_) : nullptr;
}

Phases Conversation::all_phases() const {
  Phases out = *phases_;
  const Connection* wire = on_wire();
  if (wire != nullptr && wire->phases() != nullptr) {
    out = *wire->phases();
    out.tls_start_ns = phases_->tls_start_ns;
  }
  return out;
}

bool Conversation::owns(const Piece& piece) const { return session_.owns(piece.monotonic_ns); }

Request* Conversation::begin(const Piece& first, Side from) {
  Request* request = session_.pool_.take();
  request->talk = this;
  request->start_ns = first.time_ns;
  request->start_seq = first.seq;
  request->start_ack = first.ack;
  // The numbers of plain text are known at this end alone.
  request->sequenced = first.has_ack && key_.session == 0;
  request->server = (from == Side::client) == pod_serves_;
  request->foreign = !owns(first);
  session_.open_.insert(request);
  weight_ += kRequestBytes;
  return request;
}

void Conversation::drop(Request* request) { close(request); }

void Conversation::close(Request* request) {
  weight_ -= kRequestBytes;
  session_.closed(request, pod_);
}

void Conversation::count(Request* request) {
  request->ordinal = ordinals_++;
  request->counted = true;
  session_.opened(request, pod_);
}

TraceContext Conversation::below(const Request& parent) const {
  return context_below(parent, session_.settings.boot, id_);
}

void Conversation::observe(Request* request) {
  if (request->server && session_.settings.evidence) request->leg = &session_.leg(pod_, key_.pod_port);
}

void Conversation::reveal(Request* request, std::string_view text) {
  Stamp stamp;
  if (!parse_stamp(text, stamp)) return;
  if (request->server && request->leg != nullptr) {
    session_.evidence.reveal(*request->leg);
    if (!request->foreign) session_.evidence.move(*request, stamp);
  }
  request->stamp = stamp;
}

void Conversation::finish(Request* request, u64 end_ns, bool error) {
  request->end_ns = std::max(end_ns, request->start_ns);
  if (!request->foreign) {
    describe_ends(*request, *this);
    if (request->counted && request->ordinal == 0 && phases_ != nullptr) {
      if (phases_->known()) add_phases(*request, all_phases());
      phases_.reset();
    }
    if (request->doubtful) session_.evidence.lose(*request);
    else session_.evidence.done(*request, error);
    session_.red.done(*request);
    const std::string peer = peer_text(), pod = pod_text();
    session_.emit(pod_, *request, {id_, peer, key_.peer_port, pod, key_.pod_port, key_.session != 0});
  }
  close(request);
}

void Conversation::lose(Request* request, const char* cause) {
  if (keeps(cause)) {
    request->incomplete = true;
    return finish(request, session_.now_ns_, false);
  }
  if (!request->foreign) {
    session_.evidence.lose(*request);
    session_.red.lose(*request, cause);
    RequestCounts& counts = session_.ledger.of(*request);
    counts.open--;
    add(counts.lost, cause, 1);
  }
  close(request);
}

void Conversation::missed(const char* cause) {
  session_.ledger.requests.seen++;
  add(session_.ledger.requests.lost, cause, 1);
  if (pod_.red != nullptr) session_.red.missed(*pod_.red, pod_serves_, cause);
}

void Conversation::parsed(u64 bytes) { session_.ledger.parsed += bytes; }

void Conversation::skipped(std::string_view reason, u64 bytes) {
  add(session_.ledger.skipped, reason, bytes);
}

void Conversation::pending(i64 bytes) {
  session_.ledger.pending += static_cast<u64>(bytes);
  weight_ += static_cast<size_t>(bytes);
}

void Conversation::inherit(u64 bytes) {
  pending(static_cast<i64>(bytes));
  session_.ledger.inherited += bytes;
}

u32 Conversation::unwanted(Side from, u32 seq, u64 length) {
  Wish wish;
  wish.key = key_;
  wish.kind = Wish::Kind::range;
  wish.to_pod = sender(true) == from;
  wish.from = seq;
  wish.until = seq + static_cast<u32>(std::min<u64>(length, TAP_MAX_RANGE));
  session_.wish(wish);
  return wish.until;
}

void Conversation::keep(i64 bytes) {
  session_.kept_bytes_ += static_cast<u64>(bytes);
  weight_ += static_cast<size_t>(bytes);
}

bool Conversation::scarce() const {
  return session_.kept_bytes_ > std::min<u64>(kMaxKept, session_.settings.memory_bytes / 4);
}

void Conversation::fields(u64 count, u64 unknown) {
  if (session_.shadows()) return;
  session_.ledger.fields += count;
  session_.ledger.unknown_fields += unknown;
}

PodState& Conversation::pod_state(std::string_view protocol, std::unique_ptr<PodState> (*make)(Session&, Pod&)) {
  auto& state = pod_.states[protocol];
  if (state == nullptr) state = make(session_, pod_);
  return *state;
}

void Conversation::stop(const char* reason) {
  if (stopped_ != nullptr) return;
  stopped_ = reason;
  tell_stopped();
}

void Conversation::resume() {
  stopped_ = nullptr;
  session_.want(key_);
}

bool Conversation::selects(const Protocol& protocol) const {
  if ((selection().protocols >> (&protocol - kProtocols.data()) & 1) == 0) return false;
  // Of whom it is not known that the pod connected to them, they are read.
  if (!has_roles_ || pod_serves_ || !key_.has_addresses()) return true;
  return selection().has_destination(key_.peer, key_.peer_port);
}

const Protocol* Conversation::hint() const {
  if (has_roles_ && !pod_serves_) return nullptr;
  auto found = selection().hints.find(key_.pod_port);
  return found == selection().hints.end() ? nullptr : found->second;
}

void Conversation::tell_stopped() {
  stopped_told_ns_ = session_.now_ns_;
  Wish wish;
  wish.key = key_;
  wish.kind = Wish::Kind::nothing;
  wish.reason = stopped_;
  session_.wish(wish);
}

void Conversation::skip_stopped(u32 length) {
  skipped(stopped_, length);
  if (session_.now_ns_ >= stopped_told_ns_ + kTellAgain) tell_stopped();
}

}  // namespace clover
