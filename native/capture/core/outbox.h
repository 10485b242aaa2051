// One message of OTLP on its way: what several pods have, below the resource of each.
#pragma once

#include "pod.h"
#include "request.h"

namespace clover {

// A message that is ready to leave.
struct Batch {
  std::string otlp;
  bool logs = false;  // `LogsData`; else `TracesData`, whose form is the same
  u32 count = 0;      // of spans or records
  u32 sessions = 0;   // of those spans
  u64 sequence = 0;   // dense, of each of the two
  u64 watermark_ns = 0;
};

// Gathers encoded spans or records, grouped by pod.
class Outbox {
 public:
  // `kept`: where a pod has its part of the open message.
  Outbox(std::string Pod::* kept, size_t batch_bytes) : kept_(kept), limit_(batch_bytes) {}

  // Appends; true where the message is full now.
  bool append(Pod& pod, std::string_view encoded, const Request& request);
  bool empty() const { return count_ == 0; }
  // Of the open message.
  size_t size() const { return size_; }
  u64 oldest_start() const { return oldest_; }
  // Closes the open message; its pods begin anew.
  Batch close();

 private:
  std::string Pod::* kept_;
  size_t limit_;
  size_t size_ = 0;
  u32 count_ = 0, sessions_ = 0;
  u64 oldest_ = 0;
  u64 sequence_ = 0;
  std::vector<Pod*> pods_;
  std::string spare_;  // the room of one pod's part of the message before
};

}  // namespace clover
