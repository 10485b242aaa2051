#include "phases.h"

#include <algorithm>

#include "attributes.h"
#include "request.h"

namespace clover {
namespace {

constexpr size_t kMaxLookups = 64;           // of a pod
constexpr u64 kMaxAge = 1'000'000'000;       // between an answer and a connection that waited for it

}  // namespace

void add_phases(Request& request, const Phases& phases) {
  auto add = [&](u64 time_ns, std::string_view name) {
    if (time_ns != 0) add_event(request.events, time_ns, name);
  };
  add(phases.dns_start_ns, "dns.start");
  add(phases.dns_end_ns, "dns.end");
  add(phases.connect_start_ns, "connect.start");
  add(phases.connect_end_ns, "connect.end");
  add(phases.tls_start_ns, "tls.start");
  add(request.first_byte_ns, "first_byte");
}

void Lookups::answered(std::string_view address, u64 start_ns, u64 end_ns) {
  if (lookups_.size() >= kMaxLookups) lookups_.pop_front();
  lookups_.push_back({std::string(address), start_ns, end_ns});
}

void Lookups::take(std::string_view address, u64 time_ns, Phases& phases) {
  auto fits = [&](const Lookup& one) {
    return one.address == address && one.end_ns <= time_ns && time_ns - one.end_ns <= kMaxAge;
  };
  auto found = std::find_if(lookups_.rbegin(), lookups_.rend(), fits);
  if (found == lookups_.rend()) return;
  phases.dns_start_ns = found->start_ns;
  phases.dns_end_ns = found->end_ns;
  lookups_.erase(std::next(found).base());
}

}  // namespace clover
