// What the fuzzer's bytes mean, and what has to hold after each step of every target.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../core/session.h"

namespace clover::fuzz {

// Reads steps from an input; past its end everything is 0.
class Input {
 public:
  Input(const u8* data, size_t size) : data_(data), size_(size) {}

  bool empty() const { return size_ == 0; }
  u8 byte() { return empty() ? u8{0} : *take(1); }
  u16 number() {
    u16 high = byte();
    return static_cast<u16>(high << 8 | byte());
  }
  // A copy that ends where its memory ends, so that one byte too far is found.
  std::vector<u8> bytes(size_t length) {
    length = std::min(length, size_);
    const u8* from = take(length);
    std::vector<u8> copy(from, from + length);
    copy.shrink_to_fit();
    return copy;
  }

 private:
  const u8* take(size_t length) {
    const u8* at = data_;
    data_ += length;
    size_ -= length;
    return at;
  }

  const u8* data_;
  size_t size_;
};

inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

inline u64 sum(const Counts& counts) {
  u64 all = 0;
  for (const auto& [cause, count] : counts) all += count;
  return all;
}

// Every request and every byte that came up is in one place. Bytes of holes did not come up.
inline void check_ledger(const Ledger& ledger) {
  for (const RequestCounts* counts : {&ledger.requests, &ledger.sessions})
    check(counts->seen == counts->spans + counts->sampled_out + counts->open + sum(counts->lost),
          "requests = spans + sampled out + open + lost");
  auto hole = ledger.lost.find("hole");
  u64 lost = sum(ledger.lost) - (hole == ledger.lost.end() ? 0 : hole->second);
  check(ledger.received + ledger.inherited == ledger.parsed + ledger.pending + sum(ledger.skipped) + lost,
        "bytes with inherited ones = parsed + pending + skipped + lost");
}

// The same when nothing more will come.
inline void check_end(const Ledger& ledger) {
  check_ledger(ledger);
  check(ledger.requests.open == 0 && ledger.sessions.open == 0, "no request stays open");
  check(ledger.pending == 0, "no byte stays pending");
}

}  // namespace clover::fuzz
