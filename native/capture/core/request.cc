#include "request.h"

namespace clover {
namespace {

constexpr size_t kMaxKept = 1024;
constexpr size_t kMaxUnused = 256;

}  // namespace

void Request::answered(const Piece& first) {
  if (first_byte_ns != 0) return;
  first_byte_ns = first.time_ns;
  answer_seq = first.seq;
  is_answered = true;
}

void Request::reset() {
  before = after = same_trace = newer_in_trace = nullptr;
  talk = nullptr;
  start_ns = first_byte_ns = end_ns = ordinal = request_bytes = response_bytes = 0;
  start_seq = start_ack = answer_seq = arm = stream_id = 0;
  sequenced = is_answered = false;
  transaction = twin = calls_as = 0;
  caller.reset();
  counted = server = stuck = foreign = traced = has_body = bodiless = tunnel = incomplete = lasting = session =
      request_unsized = response_unsized = doubtful = host_unknown = false;
  status = port = 0;
  leg = nullptr;
  red = nullptr;
  context = TraceContext{};
  stamp.run.clear();
  stamp.arm.clear();
  stamp.epoch = 0;
  for (std::string* text : {&tracestate, &name, &host, &attributes, &events, &error_type}) {
    text->clear();
    // A few requests with long targets must not leave their size to the whole pool.
    if (text->capacity() > kMaxKept) text->shrink_to_fit();
  }
}

void OpenList::insert(Request* request) {
  Request* at = last_;
  while (at != nullptr && at->start_ns > request->start_ns) at = at->before;
  request->before = at;
  request->after = at != nullptr ? at->after : first_;
  (at != nullptr ? at->after : first_) = request;
  (request->after != nullptr ? request->after->before : last_) = request;
}

void OpenList::remove(Request* request) {
  (request->before != nullptr ? request->before->after : first_) = request->after;
  (request->after != nullptr ? request->after->before : last_) = request->before;
  request->before = request->after = nullptr;
}

Request* RequestPool::take() {
  taken_++;
  if (unused_.empty()) return new Request();
  Request* request = unused_.back().release();
  unused_.pop_back();
  return request;
}

void RequestPool::give(Request* request) {
  taken_--;
  std::unique_ptr<Request> owned(request);
  if (unused_.size() >= kMaxUnused) return;
  owned->reset();
  unused_.push_back(std::move(owned));
}

}  // namespace clover
