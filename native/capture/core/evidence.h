// Cumulative counts per (splitting point, arm, second of start): docs/architecture.md.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "request.h"

namespace clover {

// Requests of one arm that started in one second (knative/events.ts, evidenceCell).
struct Cell {
  u64 block = 0;
  u64 revision = 0;
  u64 started = 0, done = 0, errors = 0, stuck = 0;
  u64 lost = 0;  // the part of stuck that will never be done
  double sum_log = 0, sum_log_sq = 0;
  std::vector<std::pair<u16, u32>> histogram;  // sorted by bucket

  void observe(u64 first_byte_ns);
  void merge(const Cell& other);
};

// The cells of one stamp, by block.
struct ArmCells {
  Stamp stamp;
  std::map<u64, Cell> blocks;
};

// All cells of one pod; outlives the pod's detaching, since its counts still have to be sent.
struct PodCells {
  std::string name;  // namespace/name
  std::vector<ArmCells> arms{1};
};

// The server side of one port of a pod. Not yet a splitting point, it counts provisionally.
struct Leg {
  PodCells* cells = nullptr;
  bool splitting = false;
  u64 kept_from = 0;  // provisional blocks before this one are forgotten
  std::map<u64, Cell> provisional;
};

// A cell with its key, as it is reported.
struct CellView {
  const PodCells* pod;
  const ArmCells* arm;
  const Cell* cell;
};

// Counts requests at splitting points from their start, by arm and second.
class Evidence {
 public:
  PodCells& pod(const std::string& name);
  void start(Request& request);
  // The request's arm is known now; moves its start there.
  void move(Request& request, const Stamp& stamp);
  // Its response shows a stamp: the leg is a splitting point from now on.
  void reveal(Leg& leg);
  void done(Request& request, bool error);
  void stick(Request& request);
  // It will never be done because of a loss of ours: it stays counted as stuck.
  void lose(Request& request);
  // Cells with a revision above `after`, by revision, at most `limit`; `cut` = block of the oldest
  // cell beyond the limit, or 0. Drops old quiet cells that were acknowledged.
  std::vector<CellView> changed(u64 after, size_t limit, u64 now_ns, u64& cut);
  u64 revision() const { return revision_; }

 private:
  Cell* cell_of(const Request& request, bool create);
  void touch(const Request& request, Cell& cell);
  void forget(u64 acknowledged, u64 now_block);

  u64 revision_ = 0;
  std::map<std::string, std::unique_ptr<PodCells>> pods_;
};

}  // namespace clover
