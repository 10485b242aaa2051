// What ties programs to functions of processes, and its end.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "file.h"

struct bpf_link;

namespace clover {

// Of one program to a file of a process: an event of perf, or a link to many places.
struct UprobeLink {
  struct End {
    void operator()(bpf_link* link) const;
  };
  std::unique_ptr<bpf_link, End> event;
  File many;
};

// Lets links go. With each the kernel waits until nobody can be in its program any more, some 10 ms; those that wait at one time wait
// together. A few threads do that, whatever there is to let go.
class UprobeEndings {
 public:
  UprobeEndings() = default;
  ~UprobeEndings() { finish(); }
  UprobeEndings(const UprobeEndings&) = delete;
  UprobeEndings& operator=(const UprobeEndings&) = delete;

  // Does not wait, but where the system has no thread to do it.
  void add(std::vector<UprobeLink> links);
  // Waits for all of them; nothing may be added any more.
  void finish();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable change_;
  std::vector<UprobeLink> waiting_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace clover
