#include "evidence.h"

#include <algorithm>
#include <cmath>

namespace clover {
namespace {

constexpr u64 kSecond = 1'000'000'000;
constexpr u64 kKeptBlocks = 900;        // 15 min
constexpr u64 kProvisionalBlocks = 60;  // enough for a gateway's first stamped response
constexpr size_t kMaxArms = 4096;

u64 block_of(const Request& request) { return request.start_ns / kSecond; }

u64 first_byte_ns(const Request& request) {
  u64 at = request.first_byte_ns ? request.first_byte_ns : request.end_ns;
  return at > request.start_ns ? at - request.start_ns : 1;
}

}  // namespace

void Cell::observe(u64 ns) {
  double log_seconds = std::log(static_cast<double>(ns) / 1e9);
  sum_log += log_seconds;
  sum_log_sq += log_seconds * log_seconds;
  auto bucket = static_cast<u16>(std::floor(std::log2(static_cast<double>(ns)) * 16));
  auto at = std::lower_bound(histogram.begin(), histogram.end(), bucket,
                             [](const auto& entry, u16 key) { return entry.first < key; });
  if (at != histogram.end() && at->first == bucket) at->second++;
  else histogram.insert(at, {bucket, 1});
}

void Cell::merge(const Cell& other) {
  started += other.started;
  done += other.done;
  errors += other.errors;
  stuck += other.stuck;
  lost += other.lost;
  sum_log += other.sum_log;
  sum_log_sq += other.sum_log_sq;
  for (const auto& [bucket, count] : other.histogram) {
    auto at = std::lower_bound(histogram.begin(), histogram.end(), bucket,
                               [](const auto& entry, u16 key) { return entry.first < key; });
    if (at != histogram.end() && at->first == bucket) at->second += count;
    else histogram.insert(at, {bucket, count});
  }
}

PodCells& Evidence::pod(const std::string& name) {
  auto& slot = pods_[name];
  if (!slot) {
    slot = std::make_unique<PodCells>();
    slot->name = name;
  }
  return *slot;
}

Cell* Evidence::cell_of(const Request& request, bool create) {
  if (request.leg == nullptr) return nullptr;
  Leg& leg = *request.leg;
  u64 block = block_of(request);
  if (block < leg.kept_from) return nullptr;
  auto& blocks = leg.splitting ? leg.cells->arms[request.arm].blocks : leg.provisional;
  // The newest block is nearly always the one.
  if (!blocks.empty() && blocks.rbegin()->first == block) return &blocks.rbegin()->second;
  auto found = blocks.find(block);
  if (found != blocks.end()) return &found->second;
  if (!create) return nullptr;
  Cell& cell = blocks[block];
  cell.block = block;
  return &cell;
}

void Evidence::touch(const Request& request, Cell& cell) {
  if (request.leg->splitting) cell.revision = ++revision_;
}

void Evidence::start(Request& request) {
  if (request.leg == nullptr) return;
  Leg& leg = *request.leg;
  u64 block = block_of(request);
  if (!leg.splitting && block > kProvisionalBlocks && block - kProvisionalBlocks > leg.kept_from) {
    leg.kept_from = block - kProvisionalBlocks;
    leg.provisional.erase(leg.provisional.begin(), leg.provisional.lower_bound(leg.kept_from));
  }
  Cell* cell = cell_of(request, true);
  if (cell == nullptr) return;
  cell->started++;
  touch(request, *cell);
}

void Evidence::reveal(Leg& leg) {
  if (leg.splitting) return;
  for (auto& [block, cell] : leg.provisional) {
    Cell& into = leg.cells->arms[0].blocks[block];
    into.block = block;
    into.merge(cell);
    into.revision = ++revision_;
  }
  leg.provisional.clear();
  leg.splitting = true;
}

void Evidence::move(Request& request, const Stamp& stamp) {
  if (request.leg == nullptr || !request.leg->splitting) return;
  auto& arms = request.leg->cells->arms;
  u32 index = 1;
  while (index < arms.size() && !(arms[index].stamp == stamp)) index++;
  if (index == request.arm || index >= kMaxArms) return;
  Cell* from = cell_of(request, false);
  if (from == nullptr) return;
  from->started--;
  if (request.stuck) from->stuck--;
  touch(request, *from);
  if (index == arms.size()) arms.push_back({stamp, {}});
  request.arm = index;
  Cell* into = cell_of(request, true);
  into->started++;
  if (request.stuck) into->stuck++;
  touch(request, *into);
}

void Evidence::done(Request& request, bool error) {
  Cell* cell = cell_of(request, false);
  if (cell == nullptr) return;
  cell->done++;
  if (request.stuck) cell->stuck--;
  if (error) cell->errors++;
  cell->observe(first_byte_ns(request));
  touch(request, *cell);
}

void Evidence::stick(Request& request) {
  Cell* cell = cell_of(request, false);
  if (cell == nullptr) return;
  cell->stuck++;
  touch(request, *cell);
}

void Evidence::lose(Request& request) {
  Cell* cell = cell_of(request, false);
  if (cell == nullptr) return;
  if (!request.stuck) cell->stuck++;
  cell->lost++;
  touch(request, *cell);
}

void Evidence::forget(u64 acknowledged, u64 now_block) {
  if (now_block < kKeptBlocks) return;
  for (auto& [name, pod] : pods_) {
    for (ArmCells& arm : pod->arms) {
      auto end = arm.blocks.lower_bound(now_block - kKeptBlocks);
      for (auto at = arm.blocks.begin(); at != end;) {
        const Cell& cell = at->second;
        bool quiet = cell.started == cell.done + cell.lost && cell.revision <= acknowledged;
        at = quiet ? arm.blocks.erase(at) : std::next(at);
      }
    }
  }
}

std::vector<CellView> Evidence::changed(u64 after, size_t limit, u64 now_ns, u64& cut) {
  forget(after, now_ns / kSecond);
  std::vector<CellView> views;
  for (const auto& [name, pod] : pods_)
    for (const ArmCells& arm : pod->arms)
      for (const auto& [block, cell] : arm.blocks)
        if (cell.revision > after) views.push_back({pod.get(), &arm, &cell});
  std::sort(views.begin(), views.end(), [](const CellView& a, const CellView& b) {
    return a.cell->revision < b.cell->revision;
  });
  cut = 0;
  for (size_t i = limit; i < views.size(); i++)
    if (cut == 0 || views[i].cell->block < cut) cut = views[i].cell->block;
  if (views.size() > limit) views.resize(limit);
  return views;
}

}  // namespace clover
