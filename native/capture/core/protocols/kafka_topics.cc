#include "kafka_topics.h"

#include "../state.h"

#include "kafka_reader.h"

namespace clover::kafka {
namespace {

constexpr size_t kMaxTopics = 1024;
constexpr size_t kMaxName = 249;  // org.apache.kafka.common.internals.Topic
constexpr i16 kMetadataWithIds = 10;

// First versions whose topics are ids.
bool has_ids(const Header& header) {
  return (header.key == kProduce && header.version >= 13) || (header.key == kFetch && header.version >= 13) ||
         (header.key == kOffsetCommit && header.version >= 10);
}

void skip_brokers(Reader& in) {
  for (i64 left = in.list(); left > 0 && in.ok(); left--) {
    in.skip(4);
    in.text();
    in.skip(4);
    in.text();
    in.tags();
  }
}

void skip_partitions(Reader& in) {
  for (i64 left = in.list(); left > 0 && in.ok(); left--) {
    in.skip(2 + 4 + 4 + 4);
    for (int list = 0; list < 3; list++)
      for (i64 replicas = in.list(); replicas > 0 && in.ok(); replicas--) in.skip(4);
    in.tags();
  }
}

}  // namespace

void Topics::learn(std::string_view frame, const Header& request) {
  if (request.key != kMetadata || request.version < kMetadataWithIds || request.version > request.api->newest) return;
  if (frame.size() < kMinResponse) return;
  Reader in(frame.substr(kMinResponse), true);
  in.tags();
  in.skip(4);
  skip_brokers(in);
  in.text();
  in.skip(4);
  for (i64 left = in.list(); left > 0 && in.ok(); left--) {
    i64 code = in.number(2);
    std::string name(in.text());
    std::string id = in.uuid();
    if (in.ok() && code == 0 && !name.empty() && name.size() <= kMaxName) {
      // A cluster with so many is known by those that were asked for last.
      if (names_.size() >= kMaxTopics) names_.clear();
      names_[id] = name;
    }
    in.skip(1);
    skip_partitions(in);
    in.skip(4);
    in.tags();
  }
}

void Topics::name(const Header& request, Subject& subject) const {
  if (subject.topic.empty() || !has_ids(request)) return;
  auto found = names_.find(subject.topic);
  if (found != names_.end()) subject.topic = found->second;
}

std::vector<std::string> Topics::hand_over() {
  std::vector<std::string> parts;
  for (const auto& one : names_) {
    State state = State::writing();
    std::string id = one.first, name = one.second;
    state.text(id);
    state.text(name);
    parts.push_back(state.bytes());
  }
  return parts;
}

bool Topics::take_over(State& state) {
  std::string id, name;
  state.text(id);
  state.text(name);
  state.require(id.size() <= kMaxText && name.size() <= kMaxName && names_.size() < kMaxTopics);
  if (state.at_end()) names_[id] = name;
  return state.at_end();
}

std::unique_ptr<PodState> make_topics(Session&, Pod&) { return std::make_unique<Topics>(); }

}  // namespace clover::kafka
