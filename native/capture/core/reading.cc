// The reading side of a connection: which protocol it speaks, and its bytes to the parser.
#include <algorithm>

#include "session.h"

namespace clover {
namespace {

constexpr size_t kMaxParts = 256;  // a line of a proxy byte by byte, and what tells the protocol
constexpr size_t kMaxContradictions = 256;  // ports that are named

}  // namespace

// Null where none reads.
Parser* Connection::parser() {
  if (resting_) read_by(protocol_->parser(talk_));
  return parser_.get();
}

void Connection::read_by(std::unique_ptr<Parser> parser) {
  if (parser != nullptr) session_.parser_bytes_ += parser->bytes();
  if (parser_ != nullptr) session_.parser_bytes_ -= parser_->bytes();
  parser_ = std::move(parser);
  resting_ = false;
}

void Connection::read(bool to_pod, Piece piece) {
  while (piece.length > 0) {
    if (talk_.stopped() != nullptr || closed_) return skip(piece.length);
    if (Parser* reader = parser()) {
      piece.drop(reader->read(talk_.sender(to_pod), piece));
      settle();
    } else if (!within_) {
      return recognise(to_pod, piece);
    } else if (const Protocol* found = recognise_within(to_pod, piece)) {
      begin(*found);
    } else {
      return talk_.skipped("resync", piece.length);
    }
  }
}

// Keeps first bytes until they tell the protocol, and reads all of them then.
void Connection::recognise(bool to_pod, const Piece& piece) {
  Recogniser fresh;
  Recogniser& recogniser = opening_ != nullptr ? opening_->recogniser : fresh;
  bool decided = recogniser.look(piece.text(), talk_.sender(to_pod), talk_.hint());
  if (!decided && (opening_ == nullptr || opening_->parts.size() < kMaxParts)) {
    if (opening_ == nullptr) opening_.reset(new Opening{std::move(fresh), {}});
    opening_->parts.push_back({to_pod, keep(piece)});
    return session_.await(*this);
  }
  const ProxyHeader header = recogniser.proxy_header();
  if (header.client) talk_.forwards(header.client->address, header.client->port);
  const Protocol* protocol = recogniser.protocol();
  if (protocol == nullptr) talk_.stop("unrecognised");
  else begin(*protocol);
  size_t left = header.size;
  auto read_behind = [&](bool part_to_pod, Piece part) {
    auto n = talk_.sender(part_to_pod) == Side::client ? static_cast<u32>(std::min<size_t>(left, part.length)) : 0;
    left -= n;
    talk_.parsed(n);
    part.drop(n);
    read(part_to_pod, part);
  };
  if (opening_ != nullptr) {
    auto opening = std::move(opening_);
    for (Opening::Part& part : opening->parts) {
      let_go(part.held);
      read_behind(part.to_pod, part.held.piece);
    }
  }
  read_behind(to_pod, piece);
}

const Protocol* Connection::recognise_within(bool to_pod, const Piece& piece) {
  for (Side from : {Side::client, Side::server}) {
    if (talk_.has_roles() && talk_.sender(to_pod) != from) continue;
    const Protocol* found = recognise_message(piece.text(), from);
    if (found == nullptr) continue;
    if (found->parser != nullptr) talk_.set_roles((from == Side::client) == to_pod);
    return found;
  }
  // The port that speaks it is the pod's, and so the pod serves.
  const Protocol* hint = talk_.hint();
  Side from = to_pod ? Side::client : Side::server;
  if (hint == nullptr || hint->detect(piece.text(), from, Where::hinted) != Verdict::yes) return nullptr;
  talk_.set_roles(true);
  return hint;
}

void Connection::begin(const Protocol& protocol) {
  check_hint(protocol);
  if (protocol.parser == nullptr) talk_.stop(protocol.name.data());
  else start(protocol);
}

// The bytes have the last word. Whoever named the port is told that they say something else.
void Connection::check_hint(const Protocol& spoken) {
  const Protocol* said = talk_.hint();
  if (said == nullptr || said == &spoken) return;
  const Identity& pod = pod_.identity;
  std::string port = pod.name_space + "/" + pod.service + ":" + std::to_string(key().pod_port);
  port.append(" ").append(said->name).append(", speaks ").append(spoken.name);
  Counts& contradicted = session_.ledger.contradicted;
  bool named = contradicted.size() < kMaxContradictions || contradicted.count(port) > 0;
  add(contradicted, named ? std::string_view(port) : "others", 1);
}

void Connection::start(const Protocol& protocol) {
  protocol_ = &protocol;
  if (!talk_.selects(protocol)) return talk_.stop(kNotSelected);
  read_by(protocol.parser(talk_));
  for (Stream* stream : {&in_, &out_}) {
    Side from = talk_.sender(stream->to_pod);
    if (within_ || (stream->synced && !stream->by_syn)) parser_->join(from);
    u32 missed = std::exchange(missed_[stream->to_pod], 0);
    if (missed > 0) parser_->hole(from, missed, last_piece_ns_);
  }
  settle();
}

// After each call of the parser: it may have stopped, handed the conversation on, or have nothing to remember.
void Connection::settle() {
  if (talk_.stopped() != nullptr) return read_by(nullptr);
  if (auto next = talk_.take_next()) return read_by(std::move(next));
  if (talk_.take_anew()) {
    read_by(nullptr);
    within_ = false;
  } else if (parser_ != nullptr && parser_->blank()) {
    read_by(nullptr);
    resting_ = true;
  }
}

void Connection::start_over(const char* cause) {
  if (closed_) return;
  while (talk_.stopped() == nullptr && fill_oldest_hole() && !closed_) continue;
  if (closed_ || (parser_ == nullptr && opening_ == nullptr)) return;
  if (parser_ != nullptr) parser_->close(cause, last_piece_ns_);
  read_by(nullptr);
  drop_opening("resync");
  within_ = true;
}

void Connection::select() {
  // Which protocol was not read, a predecessor has not told.
  bool selected = protocol_ == nullptr || talk_.selects(*protocol_);
  if (closed_) return;
  if (Parser* reader = selected ? nullptr : parser()) {
    reader->close("detached", last_piece_ns_);
    read_by(nullptr);
    talk_.stop(kNotSelected);
  } else if (selected && talk_.stopped() != nullptr && std::string_view(talk_.stopped()) == kNotSelected) {
    talk_.resume();
    within_ = partly_read_ = true;
    // Nobody has minded them meanwhile.
    for (Stream* stream : {&in_, &out_})
      if (!stream->waiting() && !stream->finished) stream->forget();
  }
}

void Connection::expire(u64 now_ns) {
  if (parser_ == nullptr) return;
  parser_->expire(now_ns);
  settle();
}

// Bytes that are due were not seen.
void Connection::miss(const Stream& mine, u32 length, u64 time_ns) {
  if (Parser* reader = parser()) {
    reader->hole(talk_.sender(mine.to_pod), length, time_ns);
    settle();
    return;
  }
  drop_opening("resync");
  within_ = true;
  if (!talk_.late()) missed_[mine.to_pod] += length;
}

void Connection::drop_opening(const char* reason) {
  if (opening_ == nullptr) return;
  for (const Opening::Part& part : opening_->parts) {
    let_go(part.held);
    talk_.skipped(reason, part.held.bytes.size());
  }
  opening_.reset();
}

}  // namespace clover
