// Names of topics by their ids, which newer requests have in place of them (KIP-516).
#pragma once

#include <map>
#include <string>

#include "../pod.h"
#include "kafka_message.h"

namespace clover {
class Session;
}

namespace clover::kafka {

// What answers to Metadata have told at a pod. Other connections of its clients ask for that than those that fetch.
class Topics final : public PodState {
 public:
  // Reads the beginning of an answer to a Metadata request that has ids; nothing of others.
  void learn(std::string_view frame, const Header& request);
  // Puts the name into a subject that has an id, where it is known.
  void name(const Header& request, Subject& subject) const;

  void expire(u64) override {}
  void close(const char*, u64) override {}
  std::vector<std::string> hand_over() override;
  bool take_over(State& state) override;

 private:
  std::map<std::string, std::string, std::less<>> names_;  // by id, as Kafka's tools write it
};

// For Conversation::pod_state.
std::unique_ptr<PodState> make_topics(Session& session, Pod& pod);

}  // namespace clover::kafka
