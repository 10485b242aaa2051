#include "kafka_message.h"

#include <algorithm>

#include "kafka_reader.h"

namespace clover::kafka {
namespace {

constexpr size_t kBatchHead = 61, kMagicAt = 16, kCountAt = 57;  // of a record batch (magic 2)
constexpr u64 kMinTopic = 4, kMinPartition = 6;  // bytes of one in a Produce
constexpr i64 kMaxWaitMs = 24 * 3600 * 1000;
constexpr i16 kAhead = 4;  // versions that may have come since

i64 load(std::string_view bytes, size_t at, size_t size) { return Reader(bytes.substr(at), false).number(size); }

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<u8>(c) >= 0x20 && c != 0x7f; });
}

// How many records `length` bytes hold, of which the first are there; -1 where they are not one batch.
i64 count_records(std::string_view bytes, i64 length, i64& offset) {
  if (length <= 0) return 0;
  if (bytes.size() < kBatchHead || length < static_cast<i64>(kBatchHead) || bytes[kMagicAt] != 2) return -1;
  offset = load(bytes, 0, 8);
  return load(bytes, 8, 4) + 12 == length ? load(bytes, kCountAt, 4) : -1;
}

// Adds up the records of a message's parts; once one is not known, none are.
class Tally {
 public:
  void add(i64 count) { sum_ = sum_ < 0 || count < 0 ? -1 : sum_ + count; }
  i64 sum() const { return sum_; }

 private:
  i64 sum_ = 0;
};

void read_produce(Reader& in, const Header& header, Subject& out) {
  if (header.version >= 3) in.text();  // the transaction's name
  out.answered = in.number(2) != 0;
  if (!in.ok()) out.answered = true;
  in.skip(4);
  Tally tally;
  i64 topics = in.list();
  for (i64 i = 0; i < topics && in.ok(); i++) {
    std::string topic = header.version >= 13 ? in.uuid() : std::string(in.text());
    if (topics == 1 && in.ok()) out.topic = std::move(topic);
    i64 partitions = in.list();
    for (i64 k = 0; k < partitions; k++) {
      i64 partition = in.number(4), length = in.bytes_length(), ignored = 0;
      if (!in.ok()) return;
      if (topics == 1 && partitions == 1) out.partition = static_cast<i32>(partition);
      tally.add(count_records(in.rest(), length, ignored));
      if (i + 1 == topics && k + 1 == partitions) out.records = tally.sum();
      if (length > 0) in.skip(static_cast<size_t>(length));
      in.tags();
    }
    in.tags();
  }
}

// What a Fetch says between its least size and its topics: the most since 3, isolation since 4, the session since 7.
size_t past_least(i16 version) {
  return (version >= 3 ? 4u : 0u) + (version >= 4 ? 1u : 0u) + (version >= 7 ? 8u : 0u);
}

void read_fetch(Reader& in, const Header& header, Subject& out) {
  i16 version = header.version;
  // The replica's number, the longest wait and the least size.
  in.skip((version < 15 ? 4u : 0u) + 8 + past_least(version));
  if (in.list() != 1) return;
  std::string topic = version >= 13 ? in.uuid() : std::string(in.text());
  if (in.ok()) out.topic = std::move(topic);
  if (in.list() != 1) return;
  i64 partition = in.number(4);
  if (in.ok()) out.partition = static_cast<i32>(partition);
}

void read_commit(Reader& in, const Header& header, Subject& out) {
  i16 version = header.version;
  out.group = in.text();
  if (version >= 1) {
    in.skip(4);
    in.text();
  }
  if (version >= 7) in.text();
  if (version >= 2 && version <= 4) in.skip(8);
  if (in.list() != 1) return;
  std::string topic = version >= 10 ? in.uuid() : std::string(in.text());
  if (in.ok()) out.topic = std::move(topic);
  if (in.list() != 1) return;
  i64 partition = in.number(4), offset = in.number(8);
  if (!in.ok()) return;
  out.partition = static_cast<i32>(partition);
  out.offset = offset;
}

void read_coordinator(Reader& in, const Header& header, Subject& out) {
  constexpr i64 kGroup = 0;
  if (header.version >= 4) {
    if (in.number(1) == kGroup && in.list() == 1) out.group = in.text();
    return;
  }
  std::string_view key = in.text();
  if (header.version == 0 || in.number(1) == kGroup) out.group = key;
}

// As topics may be called (Kafka's Topic.validate).
bool is_topic(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

// The number of correlation of a response stands where a request has its kind and version: the first thousands are those of
// Produce. Only the body tells them apart. True where nothing that is there speaks against it.
bool is_produce(Reader& in, const Header& header, u64 room) {
  if (header.version >= 3) in.text();
  i64 acks = in.number(2), timeout = in.number(4), topics = in.list();
  if (!in.ok()) return true;
  if (acks < -1 || acks > 1 || timeout < 0 || topics < 1 || static_cast<u64>(topics) > room / kMinTopic) return false;
  if (header.version >= 13) in.skip(16);
  else if (std::string_view name = in.text(); in.ok() && !is_topic(name)) return false;
  i64 partitions = in.list();
  if (!in.ok()) return true;
  return partitions >= 0 && static_cast<u64>(partitions) <= room / kMinPartition;
}

bool is_fetch(Reader& in, const Header& header, u64 room) {
  i16 version = header.version;
  i64 replica = version < 15 ? in.number(4) : -1, wait = in.number(4), least = in.number(4);
  if (!in.ok()) return true;
  if (replica < -2 || wait < 0 || wait > kMaxWaitMs || least < 0) return false;
  // Only a session has topics that are not named.
  bool sessions = version >= 7;
  in.skip(past_least(version) - (sessions ? 8 : 0));
  i64 session = sessions ? in.number(4) : 0;
  in.skip(sessions ? 4 : 0);
  i64 topics = in.list();
  if (!in.ok()) return true;
  if (topics == 0) return session > 0;
  if (topics < 0 || static_cast<u64>(topics) > room / kMinTopic) return false;
  if (version >= 13) return true;
  std::string_view name = in.text();
  return !in.ok() || is_topic(name);
}

void note(Outcome& out, i64 code) {
  out.known = true;
  if (out.code == 0) out.code = static_cast<i16>(code);
}

void read_produced(Reader& in, i16 version, Outcome& out, Subject& subject) {
  i64 topics = in.list();
  for (i64 i = 0; i < topics && in.ok(); i++) {
    if (version >= 13) in.skip(16);
    else in.text();
    i64 partitions = in.list();
    for (i64 k = 0; k < partitions && in.ok(); k++) {
      in.skip(4);
      i64 code = in.number(2), offset = in.number(8);
      if (!in.ok()) return;
      note(out, code);
      if (topics == 1 && partitions == 1 && code == 0) subject.offset = offset;
      in.skip((version >= 2 ? 8u : 0u) + (version >= 5 ? 8u : 0u));
      if (version >= 8) {
        i64 wrong = in.list();
        for (i64 n = 0; n < wrong && in.ok(); n++) {
          in.skip(4);
          in.text();
          in.tags();
        }
        in.text();
      }
      in.tags();
    }
    in.tags();
  }
  i64 throttled = version >= 1 ? in.number(4) : 0;
  if (in.ok()) out.throttled_ms = static_cast<u32>(throttled);
}

void read_fetched(Reader& in, i16 version, Outcome& out, Subject& subject) {
  if (version >= 7) {
    i64 code = in.number(2);
    in.skip(4);
    if (in.ok()) note(out, code);
  }
  i64 topics = in.list();
  if (!in.ok()) return;
  if (topics == 0) subject.records = 0;
  Tally tally;
  for (i64 i = 0; i < topics && in.ok(); i++) {
    std::string topic = version >= 13 ? in.uuid() : std::string(in.text());
    if (topics == 1 && in.ok()) subject.topic = std::move(topic);
    else subject.topic.clear();
    i64 partitions = in.list();
    bool one = topics == 1 && partitions == 1;
    if (!one) subject.partition = -1;
    for (i64 k = 0; k < partitions && in.ok(); k++) {
      i64 partition = in.number(4), code = in.number(2);
      in.skip(8u + (version >= 4 ? 8u : 0u) + (version >= 5 ? 8u : 0u));
      i64 aborted = version >= 4 ? in.list() : 0;
      for (i64 n = 0; n < aborted && in.ok(); n++) {
        in.skip(16);
        in.tags();
      }
      if (version >= 11) in.skip(4);
      i64 length = in.bytes_length();
      if (!in.ok()) return;
      note(out, code);
      i64 offset = -1;
      tally.add(count_records(in.rest(), length, offset));
      if (one) {
        subject.partition = static_cast<i32>(partition);
        subject.offset = offset;
      }
      if (i + 1 == topics && k + 1 == partitions) subject.records = tally.sum();
      if (length > 0) in.skip(static_cast<size_t>(length));
      in.tags();
    }
    in.tags();
  }
}

void read_lists(Reader& in, const Header& request, Outcome& out) {
  bool nested = request.api->answer == Answer::partitions;
  bool ids = (request.key == kCreateTopics && request.version >= 7) ||
             (request.key == kDeleteTopics && request.version >= 6);
  bool unnamed = request.key == kOffsetCommit && request.version >= 10;
  i64 count = in.list();
  // No error in what is there says nothing about the rest: only an error is sure then.
  for (i64 i = 0; i < count && in.ok() && out.code == 0; i++) {
    if (unnamed) in.skip(16);
    else in.text();
    if (ids) in.skip(16);
    i64 codes = nested ? in.list() : 1;
    for (i64 k = 0; k < codes && in.ok() && out.code == 0; k++) {
      if (nested) in.skip(4);
      i64 code = in.number(2);
      if (in.ok() && (code != 0 || count * codes == 1)) note(out, code);
      // What follows has a form of each kind's own.
      if (request.key != kOffsetCommit) return;
      in.tags();
    }
    in.tags();
  }
}

void read_coordinators(Reader& in, i16 version, Outcome& out) {
  if (version >= 4) {
    if (in.list() < 1) return;
    in.text();
    in.skip(4);
    in.text();
    in.skip(4);
  }
  i64 code = in.number(2);
  if (in.ok()) note(out, code);
}

}  // namespace

u32 load_size(std::string_view frame) { return static_cast<u32>(load(frame, 0, 4)); }
i32 load_correlation(std::string_view frame) { return static_cast<i32>(load(frame, 4, 4)); }

HeaderRead read_header(std::string_view frame, Header& out, Headers headers) {
  bool any = headers == Headers::any;
  if (frame.size() >= 4 && (load_size(frame) < kMinRequest - 4 || load_size(frame) > kMaxFrame)) return HeaderRead::none;
  if (!frame.empty() && static_cast<u8>(frame[0]) > kMaxFrame >> 24) return HeaderRead::none;
  if (frame.size() >= 6 && !any && find_api(static_cast<i16>(load(frame, 4, 2))) == nullptr) return HeaderRead::none;
  if (frame.size() < 8) return HeaderRead::part;
  out.key = static_cast<i16>(load(frame, 4, 2));
  out.version = static_cast<i16>(load(frame, 6, 2));
  out.api = &api_of(out.key);
  if (out.key < 0 || out.version < 0 || (!any && out.version > out.api->newest + kAhead)) return HeaderRead::none;
  if (frame.size() < kMinRequest) return HeaderRead::part;
  out.correlation = static_cast<i32>(load(frame, 8, 4));
  i64 name = load(frame, 12, 2);
  u64 size = u64{load_size(frame)} + 4;
  // Those of a client wrap around after 2^31 requests.
  bool wrapped = out.correlation < 0;
  if ((wrapped && !any) || name < -1 || kMinRequest + static_cast<u64>(std::max<i64>(name, 0)) > size)
    return HeaderRead::none;
  std::string_view client = frame.substr(kMinRequest, static_cast<size_t>(std::max<i64>(name, 0)));
  if (!printable(client)) return HeaderRead::none;
  if (static_cast<i64>(client.size()) < name) return frame.size() < kKept ? HeaderRead::part : HeaderRead::sound;
  out.client = client;
  if (any && out.version > out.api->newest) return HeaderRead::sound;
  frame = frame.substr(0, static_cast<size_t>(size));
  Reader in(frame.substr(kMinRequest + client.size()), out.flexible());
  in.tags();
  if (!in.ok() && frame.size() == size) return HeaderRead::none;
  if (!in.ok() && frame.size() < kKept) return HeaderRead::part;
  out.body = in.ok() ? frame.size() - in.rest().size() : 0;
  return HeaderRead::sound;
}

HeaderRead check_body(std::string_view frame, const Header& header) {
  if ((header.key != kProduce && header.key != kFetch) || !header.readable()) return HeaderRead::sound;
  u64 size = u64{load_size(frame)} + 4;
  frame = frame.substr(0, static_cast<size_t>(size));
  Reader in(frame.substr(std::min(header.body, frame.size())), header.flexible());
  u64 room = size - std::min<u64>(size, header.body);
  bool sane = header.key == kFetch ? is_fetch(in, header, room) : is_produce(in, header, room);
  if (!sane) return HeaderRead::none;
  if (in.ok()) return HeaderRead::sound;
  if (frame.size() >= size) return HeaderRead::none;
  return frame.size() < kKept ? HeaderRead::part : HeaderRead::sound;
}

Subject read_request(std::string_view frame, const Header& header) {
  Subject out;
  if (!header.readable()) return out;
  Reader in(frame.substr(header.body), header.flexible());
  switch (header.api->ask) {
    case Ask::produce: read_produce(in, header, out); break;
    case Ask::fetch: read_fetch(in, header, out); break;
    case Ask::commit: read_commit(in, header, out); break;
    case Ask::coordinator: read_coordinator(in, header, out); break;
    case Ask::group: out.group = in.text(); break;
    case Ask::groups:
      if (header.version < 8 || in.list() == 1) out.group = in.text();
      break;
    case Ask::transaction:
      in.text();
      if (header.key == kAddOffsetsToTxn) in.skip(10);
      out.group = in.text();
      break;
    case Ask::topics:
      if (in.list() == 1) out.topic = in.text();
      break;
    case Ask::other: break;
  }
  return out;
}

Outcome read_response(std::string_view frame, const Header& request, Subject& subject) {
  Outcome out;
  if (request.version > request.api->newest || frame.size() < kMinResponse) return out;
  // A broker answers this before it is known what it speaks: without tagged fields (KIP-511).
  bool plain = request.key == kApiVersions;
  Reader in(frame.substr(kMinResponse), request.flexible());
  if (!plain) in.tags();
  if (request.version >= request.api->throttles) {
    i64 throttled = in.number(4);
    if (in.ok()) out.throttled_ms = static_cast<u32>(throttled);
  }
  i64 code = 0;
  switch (request.api->answer) {
    case Answer::produce: read_produced(in, request.version, out, subject); break;
    case Answer::fetch: read_fetched(in, request.version, out, subject); break;
    case Answer::coordinator: read_coordinators(in, request.version, out); break;
    case Answer::topics:
    case Answer::partitions: read_lists(in, request, out); break;
    case Answer::code:
      code = in.number(2);
      if (in.ok()) note(out, code);
      break;
    case Answer::unread: break;
  }
  return out;
}

}  // namespace clover::kafka
