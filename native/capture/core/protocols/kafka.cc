#include "kafka.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "../framing.h"
#include "kafka_span.h"
#include "kafka_topics.h"

namespace clover {
namespace {

using kafka::Header;
using kafka::HeaderRead;
using kafka::Headers;

// Clients send five at most unless they are told otherwise (max.in.flight.requests.per.connection).
constexpr size_t kMaxInFlight = 1'000;
constexpr size_t kMaxUnanswered = 16;
// How far before the first request that was seen its forerunners may be.
constexpr i32 kMaxBehind = 1000;
constexpr size_t kMaxMetadata = 64 * 1024;  // of an answer, read

// A request that waits for its response.
struct Sent {
  Request* request = nullptr;
  Header header;
  kafka::Subject subject;
};

std::optional<FrameSize> size_of(std::string_view header) {
  u32 size = kafka::load_size(header);
  if (size > kafka::kMaxFrame) return std::nullopt;
  return FrameSize{u64{size} + 4, kafka::kKept};
}

// A broker answers the requests of a connection in the order in which they came.
class Kafka final : public Parser {
 public:
  explicit Kafka(Conversation& talk)
      : talk_(talk),
        asks_(talk, Side::client, 4, size_of, [this](const Frame& frame) { return on_request(frame); }),
        answers_(talk, Side::server, 4, [this](std::string_view header) { return size_of_answer(header); },
                 [this](const Frame& frame) { return on_response(frame); }),
        topics_(static_cast<kafka::Topics&>(talk.pod_state("kafka", kafka::make_topics))) {}

  u32 read(Side from, const Piece& piece) override;
  void join(Side from) override { seeks_[index(from)] = true; }
  void hole(Side from, u32 length, u64 time_ns) override;
  void end(Side from, u64 time_ns) override;
  void close(const char* cause, u64 time_ns) override;
  bool idle() const override { return sent_.empty() && opening_ == nullptr; }
  std::string_view handed_over_as() const override { return "kafka"; }
  void hand_over(State& state) override;

 private:
  void hand_over(State& state, Sent& sent);
  static size_t index(Side side) { return static_cast<size_t>(side); }
  FrameReader& of(Side from) { return from == Side::client ? asks_ : answers_; }
  std::optional<FrameSize> size_of_answer(std::string_view header) const;
  bool found(Side from, std::string_view bytes) const;
  bool answers(i32 correlation) const;
  void drop_opening();
  bool on_request(const Frame& frame);
  bool on_response(const Frame& frame);
  bool orphan(const Frame& frame);
  void finish(Sent& sent, const kafka::Outcome& outcome, u64 end_ns, std::string_view failure);
  void interrupt(Sent& sent);
  void lose(Sent& sent, const char* cause);
  void lose_all(const char* cause);
  void fail_all(u64 time_ns);
  bool stop(Side from, bool whole = true);

  Conversation& talk_;
  FrameReader asks_, answers_;
  kafka::Topics& topics_;
  std::deque<Sent> sent_;  // oldest first
  std::deque<i32> unanswered_;  // correlation ids of the last that asked for no response
  Request* opening_ = nullptr;  // of the frame that is not whole
  bool seeks_[2] = {false, false};
  bool missing_requests_ = false, missing_responses_ = false;  // a hole may have held some
  u64 hole_ns_ = 0;  // where the last one in the responses was
  u64 shed_ = 0;  // requests that were too many, and have no response yet
  bool tokens_ = false;  // SASL speaks, in frames without headers
  bool has_first_ = false;
  i32 first_ = 0;  // correlation id of the first request that was seen
};

// Topics come far behind the brokers of an answer to Metadata.
std::optional<FrameSize> Kafka::size_of_answer(std::string_view header) const {
  auto size = size_of(header);
  bool metadata = !sent_.empty() && sent_.front().header.key == kafka::kMetadata;
  if (size && metadata) size->keep = kMaxMetadata;
  return size;
}

// Whether a message of this end surely begins here.
bool Kafka::found(Side from, std::string_view bytes) const {
  if (from == Side::client) return detect_kafka(bytes, from, Where::hinted) == Verdict::yes;
  if (bytes.size() < kafka::kMinResponse) return false;
  u32 size = kafka::load_size(bytes);
  i32 correlation = kafka::load_correlation(bytes);
  if (size < 4 || size > kafka::kMaxFrame) return false;
  if (answers(correlation)) {
    // Where another follows in the segment, it has to be one too.
    u64 total = u64{size} + 4;
    bool follows = total + kafka::kMinResponse <= bytes.size();
    return !follows || answers(kafka::load_correlation(bytes.substr(static_cast<size_t>(total))));
  }
  // One that answers what was asked before us proves itself by its length, too.
  bool before = has_first_ && correlation >= 0 && correlation < first_ && first_ - correlation <= kMaxBehind;
  return before && u64{size} + 4 == bytes.size();
}

bool Kafka::answers(i32 correlation) const {
  return std::any_of(sent_.begin(), sent_.end(),
                     [&](const Sent& one) { return one.header.correlation == correlation; });
}

u32 Kafka::read(Side from, const Piece& piece) {
  bool& seeks = seeks_[index(from)];
  if (seeks && !found(from, piece.text())) {
    talk_.skipped("resync", piece.length);
    return piece.length;
  }
  seeks = false;
  FrameReader& reader = of(from);
  u32 taken = reader.read(piece);
  if (talk_.stopped() != nullptr) return taken;
  if (!reader.sound()) {
    stop(from, false);
  } else if (from == Side::client && opening_ == nullptr && !asks_.at_start() && !tokens_) {
    opening_ = talk_.begin(asks_.first(), Side::client);
  }
  return taken;
}

void Kafka::drop_opening() {
  if (opening_ != nullptr) talk_.drop(opening_);
  opening_ = nullptr;
}

bool Kafka::on_request(const Frame& frame) {
  Sent sent;
  // A token without a header could be taken for whatever may come in years.
  Headers headers = tokens_ ? Headers::known : Headers::any;
  if (kafka::read_header(frame.kept, sent.header, headers) != HeaderRead::sound) {
    drop_opening();
    return tokens_ || stop(Side::client);
  }
  if (sent_.size() >= kMaxInFlight) {
    drop_opening();
    if (talk_.owns(frame.first)) talk_.missed("too_many_requests");
    shed_++;
    return true;
  }
  sent.request = opening_ != nullptr ? std::exchange(opening_, nullptr) : talk_.begin(frame.first, Side::client);
  sent.subject = kafka::read_request(frame.kept, sent.header);
  tokens_ = sent.header.key == kafka::kSaslHandshake && sent.header.version == 0;
  kafka::describe_request(*sent.request, sent.header);
  talk_.observe(sent.request);
  talk_.count(sent.request);
  sent.header.client = {};  // a view of the frame
  if (!has_first_) first_ = sent.header.correlation;
  has_first_ = true;
  if (sent.subject.answered) {
    sent_.push_back(std::move(sent));
    return true;
  }
  if (unanswered_.size() >= kMaxUnanswered) unanswered_.pop_front();
  unanswered_.push_back(sent.header.correlation);
  finish(sent, {}, frame.end_ns, {});
  return true;
}

bool Kafka::on_response(const Frame& frame) {
  // A token of SASL may be shorter than a header.
  if (frame.kept.size() < kafka::kMinResponse) return tokens_ || stop(Side::server);
  i32 correlation = kafka::load_correlation(frame.kept);
  auto at = std::find_if(sent_.begin(), sent_.end(),
                         [&](const Sent& one) { return one.header.correlation == correlation; });
  if (at == sent_.end()) return orphan(frame);
  // What was to be answered before it was answered in a hole.
  if (missing_responses_) {
    for (; sent_.begin() != at; sent_.pop_front()) interrupt(sent_.front());
    at = sent_.begin();
    missing_responses_ = false;
  }
  Sent sent = std::move(*at);
  sent_.erase(at);
  sent.request->answered(frame.first);
  kafka::Outcome outcome = kafka::read_response(frame.kept, sent.header, sent.subject);
  topics_.learn(frame.kept, sent.header);
  finish(sent, outcome, frame.end_ns, {});
  return true;
}

// A response whose request was not seen.
bool Kafka::orphan(const Frame& frame) {
  // Some brokers answer what asks for no answer (librdkafka's own does).
  i32 correlation = kafka::load_correlation(frame.kept);
  if (tokens_ || std::find(unanswered_.begin(), unanswered_.end(), correlation) != unanswered_.end()) return true;
  bool before = talk_.late() && (!has_first_ || correlation < first_);
  if (before) {
    // Who was here before has seen the request.
    if (!talk_.shadowed()) talk_.missed("before_attach");
  } else if (missing_requests_) {
    if (talk_.owns(frame.first)) talk_.missed("hole");
  } else if (shed_ > 0) {
    shed_--;
  } else if (!missing_responses_) {
    return stop(Side::server);
  }
  return true;
}

void Kafka::finish(Sent& sent, const kafka::Outcome& outcome, u64 end_ns, std::string_view failure) {
  topics_.name(sent.header, sent.subject);
  kafka::describe_outcome(*sent.request, sent.header, sent.subject, outcome, failure);
  talk_.finish(sent.request, end_ns, !sent.request->error_type.empty());
}

// A hole took its response, or has begun within it.
void Kafka::interrupt(Sent& sent) {
  sent.request->interrupt();
  finish(sent, {}, hole_ns_, {});
}

void Kafka::lose(Sent& sent, const char* cause) {
  if (Conversation::keeps(cause)) kafka::describe_outcome(*sent.request, sent.header, sent.subject, {}, {});
  talk_.lose(sent.request, cause);
}

void Kafka::lose_all(const char* cause) {
  for (; !sent_.empty(); sent_.pop_front()) lose(sent_.front(), cause);
}

void Kafka::fail_all(u64 time_ns) {
  for (; !sent_.empty(); sent_.pop_front()) {
    bool interrupted = missing_responses_ && sent_.front().request->start_ns <= hole_ns_;
    if (interrupted) interrupt(sent_.front());
    else finish(sent_.front(), {}, time_ns, "connection_closed");
  }
}

// It is no Kafka, or not any more. `whole`: what is wrong is a frame, not its length. False, for whoever reads frames.
bool Kafka::stop(Side from, bool whole) {
  const char* reason = talk_.ordinals() == 0 ? "unrecognised" : "malformed";
  talk_.stop(reason);
  drop_opening();
  lose_all(reason);
  // A frame that is being handed out is in no count of what is pending any more.
  if (!whole) of(from).reset(reason);
  of(other(from)).reset(reason);
  return false;
}

void Kafka::hole(Side from, u32 length, u64 time_ns) {
  // What is left of a frame may be stepped over; a SASL token's frame too.
  if (!seeks_[index(from)] && of(from).skip(length, time_ns)) return;
  bool client = from == Side::client;
  if (client && opening_ != nullptr) {
    if (!opening_->foreign) talk_.missed("hole");
    drop_opening();
  }
  (client ? missing_requests_ : missing_responses_) = true;
  if (!client) hole_ns_ = time_ns;
  of(from).reset("resync");
  seeks_[index(from)] = true;
}

void Kafka::end(Side from, u64 time_ns) {
  of(from).reset("incomplete");
  if (from == Side::client) drop_opening();
  else fail_all(time_ns);
}

void Kafka::close(const char* cause, u64 time_ns) {
  drop_opening();
  if (cause != nullptr) lose_all(cause);
  else fail_all(time_ns);
  if (talk_.stopped() != nullptr) return;
  for (FrameReader* reader : {&asks_, &answers_}) reader->reset("incomplete");
}

void Kafka::hand_over(State& state, Sent& sent) {
  Header& header = sent.header;
  kafka::Subject& subject = sent.subject;
  auto body = static_cast<u32>(header.body);
  state.numbers(header.key, header.version, header.correlation, body);
  state.text(subject.topic);
  state.text(subject.group);
  state.numbers(subject.partition, subject.offset, subject.records);
  state.flag(subject.answered);
  talk_.hand_over(state, sent.request, Counted::yes);
  header.body = body;
  header.api = kafka::find_api(header.key);
  state.require(sent.request != nullptr && header.api != nullptr);
}

void Kafka::hand_over(State& state) {
  for (FrameReader* reader : {&asks_, &answers_}) reader->hand_over(state);
  state.list(sent_, kMaxInFlight, [&](Sent& sent) { hand_over(state, sent); });
  if (!sent_.empty() && sent_.back().request == nullptr) sent_.pop_back();
  state.list(unanswered_, kMaxUnanswered, [&](i32& correlation) { state.number(correlation); });
  talk_.hand_over(state, opening_, Counted::no);
  state.flags(seeks_[0], seeks_[1], missing_requests_, missing_responses_, tokens_, has_first_);
  state.numbers(shed_, first_, hole_ns_);
}

}  // namespace

Verdict detect_kafka(std::string_view bytes, Side from, Where where) {
  if (from == Side::server) {
    // A correlation id proves nothing without its request.
    if (where != Where::start) return Verdict::no;
    bool sized = bytes.size() < 4 || (kafka::load_size(bytes) >= 4 && kafka::load_size(bytes) <= kafka::kMaxFrame);
    return sized ? Verdict::maybe : Verdict::no;
  }
  Header header;
  HeaderRead read = kafka::read_header(bytes, header);
  if (read == HeaderRead::none) return Verdict::no;
  if (read == HeaderRead::sound) read = kafka::check_body(bytes, header);
  if (read == HeaderRead::none) return Verdict::no;
  if (read == HeaderRead::part) return where == Where::start ? Verdict::maybe : Verdict::no;
  if (where == Where::start) return Verdict::yes;
  // A response's number looks like the beginning of these two: where nobody says which end this is, only a body that can be read
  // tells.
  bool alike = header.key == kafka::kProduce || header.key == kafka::kFetch;
  if (alike && !header.readable() && where == Where::middle) return Verdict::no;
  // Within a connection each frame of the segment has to be one, and the last may go on behind it if it has a client's name.
  u64 size = u64{kafka::load_size(bytes)} + 4;
  while (size < bytes.size()) {
    bytes.remove_prefix(static_cast<size_t>(size));
    read = kafka::read_header(bytes, header);
    if (read != HeaderRead::sound) return read == HeaderRead::part ? Verdict::yes : Verdict::no;
    size = u64{kafka::load_size(bytes)} + 4;
  }
  return size == bytes.size() || !header.client.empty() ? Verdict::yes : Verdict::no;
}

std::unique_ptr<Parser> make_kafka(Conversation& conversation) { return std::make_unique<Kafka>(conversation); }

}  // namespace clover
