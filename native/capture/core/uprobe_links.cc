#include "uprobe_links.h"

#include <bpf/libbpf.h>

#include <iterator>
#include <system_error>
#include <utility>

namespace clover {
namespace {

constexpr size_t kThreads = 6;

}  // namespace

void UprobeLink::End::operator()(bpf_link* link) const { bpf_link__destroy(link); }

void UprobeEndings::finish() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
  }
  change_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void UprobeEndings::add(std::vector<UprobeLink> links) {
  try {
    while (threads_.size() < kThreads) threads_.emplace_back([this] { run(); });
  } catch (const std::system_error&) {
    // Those that there are do it, or else `links`, which go here.
    if (threads_.empty()) return;
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    waiting_.insert(waiting_.end(), std::make_move_iterator(links.begin()), std::make_move_iterator(links.end()));
  }
  change_.notify_all();
}

void UprobeEndings::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    change_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    UprobeLink last = std::move(waiting_.back());
    waiting_.pop_back();
    lock.unlock();
    last = UprobeLink{nullptr, File()};
    lock.lock();
  }
}

}  // namespace clover
