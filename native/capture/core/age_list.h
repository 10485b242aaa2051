// Things by when they were last heard of.
#pragma once

#include <cstddef>

namespace clover {

// The one that was heard of least lately is the first. `T` has `before` and `after`, and is in one list at most.
template <typename T>
class AgeList {
 public:
  AgeList() = default;
  AgeList(const AgeList&) = delete;
  AgeList& operator=(const AgeList&) = delete;

  void append(T& one) {
    one.before = last_;
    one.after = nullptr;
    (last_ != nullptr ? last_->after : first_) = &one;
    last_ = &one;
    size_++;
  }
  void remove(T& one) {
    (one.before != nullptr ? one.before->after : first_) = one.after;
    (one.after != nullptr ? one.after->before : last_) = one.before;
    one.before = one.after = nullptr;
    size_--;
  }
  // It is heard of now.
  void renew(T& one) {
    if (last_ == &one) return;
    remove(one);
    append(one);
  }
  T* first() const { return first_; }
  size_t size() const { return size_; }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace clover
