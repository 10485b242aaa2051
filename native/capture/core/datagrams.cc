#include "datagrams.h"

#include <algorithm>

#include "protocols/table.h"
#include "session.h"

namespace clover {
namespace {

// A flow of which none of the first datagrams says anything is not looked at again.
constexpr u32 kMaxUnrecognised = 8;

}  // namespace

DatagramFlow::DatagramFlow(Session& session, Pod& pod, const FlowKey& key, u64 first_ns)
    : talk_(session, pod, key, mix(key.hash() ^ mix(first_ns)), false) {}

DatagramFlow::~DatagramFlow() = default;

void DatagramFlow::datagram(const Segment& segment) {
  Piece piece{segment.data, segment.length, 0, 0, false, segment.time_ns, segment.monotonic_ns};
  last_piece_ns_ = std::max(last_piece_ns_, segment.time_ns);
  if (talk_.stopped() != nullptr) return talk_.skip_stopped(piece.length);
  if (parser_ == nullptr && !recognise(segment.to_pod, piece)) {
    if (talk_.stopped() != nullptr) return talk_.skip_stopped(piece.length);
    talk_.skipped("unrecognised", piece.length);
    if (++unrecognised_ >= kMaxUnrecognised) talk_.stop("unrecognised");
    return;
  }
  u32 taken = parser_->read(talk_.sender(segment.to_pod), piece);
  if (taken < piece.length) talk_.skipped("malformed", piece.length - taken);
  settle();
}

bool DatagramFlow::recognise(bool to_pod, const Piece& piece) {
  for (const Protocol& one : kProtocols) {
    if (!one.datagrams || one.parser == nullptr) continue;
    for (Side from : {Side::client, Side::server}) {
      if (one.detect(piece.text(), from, Where::datagram) != Verdict::yes) continue;
      protocol_ = &one;
      talk_.set_roles((from == Side::client) == to_pod);
      if (!talk_.selects(one)) {
        talk_.stop(kNotSelected);
        return false;
      }
      parser_ = one.parser(talk_);
      return true;
    }
  }
  return false;
}

void DatagramFlow::settle() {
  if (talk_.stopped() != nullptr) parser_.reset();
}

bool DatagramFlow::expire(u64 now_ns) {
  if (parser_ == nullptr) return true;
  parser_->expire(now_ns);
  settle();
  return parser_ == nullptr || parser_->idle();
}

bool DatagramFlow::reselected() const {
  return protocol_ != nullptr && talk_.selects(*protocol_) != (parser_ != nullptr);
}

void DatagramFlow::close(const char* cause) {
  if (parser_ != nullptr) parser_->close(cause, last_piece_ns_);
  parser_.reset();
}

}  // namespace clover
