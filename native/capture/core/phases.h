// How a connection came about, before its first request: network phases, which that request's span tells as events.
#pragma once

#include <deque>

#include "common.h"

namespace clover {

struct Request;

// Unix nanoseconds at which it passed by here; 0: it was not seen.
struct Phases {
  u64 dns_start_ns = 0, dns_end_ns = 0;          // of the pod's query for the address that it then connected to
  u64 connect_start_ns = 0, connect_end_ns = 0;  // the first SYN, and the answer to it
  u64 tls_start_ns = 0;                          // the handshake of a library that is read

  bool known() const { return connect_start_ns != 0 || tls_start_ns != 0; }
};

// Adds what is known, and when the response began, as events.
void add_phases(Request& request, const Phases& phases);

// Addresses that a pod was answered by DNS and has not connected to since.
class Lookups {
 public:
  void answered(std::string_view address, u64 start_ns, u64 end_ns);
  // The newest answer before `time_ns` that has the address, unless it is too old to have been waited for, becomes part of `phases`.
  // It is of one connection alone.
  void take(std::string_view address, u64 time_ns, Phases& phases);

 private:
  struct Lookup {
    std::string address;
    u64 start_ns, end_ns;
  };
  std::deque<Lookup> lookups_;  // the oldest first
};

}  // namespace clover
