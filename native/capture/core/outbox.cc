#include "outbox.h"

#include "protobuf.h"

namespace clover {
namespace {

constexpr std::string_view kScope = "clover.agent";

}  // namespace

bool Outbox::append(Pod& pod, std::string_view encoded, const Request& request) {
  std::string& kept = pod.*kept_;
  if (kept.empty()) {
    kept.swap(spare_);
    pods_.push_back(&pod);
    size_ += pod.resource.size() + 64;
  }
  size_t before = kept.size();
  proto::bytes(kept, 2, encoded);
  size_ += kept.size() - before;
  if (count_++ == 0 || request.start_ns < oldest_) oldest_ = request.start_ns;
  sessions_ += request.session;
  // Closing a little early keeps every message under the limit.
  return size_ + 8192 >= limit_;
}

Batch Outbox::close() {
  Batch batch;
  batch.count = count_;
  batch.sessions = sessions_;
  batch.sequence = ++sequence_;
  batch.otlp.reserve(size_ + 64 * pods_.size());
  std::string scope;
  proto::bytes(scope, 1, kScope);
  for (Pod* pod : pods_) {
    std::string& kept = pod->*kept_;
    std::string head;
    proto::bytes(head, 1, scope);
    size_t of_scope = head.size() + kept.size();
    size_t all = pod->resource.size() + 1 + proto::varint_size(of_scope) + of_scope;
    batch.otlp.push_back(1 << 3 | 2);
    proto::varint(batch.otlp, all);
    batch.otlp.append(pod->resource);
    batch.otlp.push_back(2 << 3 | 2);
    proto::varint(batch.otlp, of_scope);
    batch.otlp.append(head).append(kept);
    // A pod that is silent from now on keeps no room.
    kept.clear();
    if (kept.capacity() > spare_.capacity()) kept.swap(spare_);
    std::string().swap(kept);
  }
  pods_.clear();
  size_ = 0;
  count_ = sessions_ = 0;
  oldest_ = 0;
  return batch;
}

}  // namespace clover
