// Rate, errors and durations of every request, whatever becomes of its span: before sampling, and with those that are open.
//
// Names, attributes and bounds are those of OpenTelemetry's metrics (semantic conventions: HTTP, RPC, databases, messaging, DNS
// metrics). The attributes are read from what a parser has said of the request, so that a protocol has nothing to do for it.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "pod.h"

namespace clover {

// What a series is of.
enum class Metric : u8 {
  http_server, http_client, rpc_server, rpc_client, db_client, messaging_client, dns_lookup, other_server, other_client, none
};
inline constexpr size_t kMetrics = static_cast<size_t>(Metric::none);

// By OpenTelemetry's name, such as `http.server.request.duration`.
std::string_view metric_name(Metric metric);
// Upper bounds of a histogram, in seconds; one bucket more is above them all.
const std::vector<double>& metric_bounds(Metric metric);

// A histogram of durations, and what all of them have in common.
struct RedSeries {
  Metric metric = Metric::none;
  std::vector<std::pair<std::string_view, std::string>> attributes;
  u64 count = 0;
  double sum = 0;  // seconds
  std::vector<u64> buckets;

  void observe(double seconds);
};

// One side of a service: started = Σ counts of its series + open + Σ lost.
struct RedSide {
  u64 started = 0, open = 0;
  Counts lost;
  std::unordered_map<std::string, RedSeries> series;
  RedSeries overflow[kMetrics];
};

// The pods of a node that run one version of one service, together.
struct RedService {
  std::string name_space, service, version;
  RedSide server, client;

  RedSide& side(bool serves) { return serves ? server : client; }
};

// All services of a session. Memory is bounded: requests that would need a series beyond the limit count in one that says so.
class Red {
 public:
  std::shared_ptr<RedService> service(const Identity& identity);
  void start(Request& request, RedService& service);
  // Another process counts it from its start on.
  void give(Request& request);
  // Before anybody decides about its span.
  void done(const Request& request);
  void lose(const Request& request, std::string_view cause);
  // One that nobody could read.
  void missed(RedService& service, bool server, std::string_view cause);
  const std::vector<std::shared_ptr<RedService>>& services() const { return services_; }

 private:
  RedSeries& series_of(RedSide& side, const Request& request);
  void forget_unused();

  std::vector<std::shared_ptr<RedService>> services_;
  size_t series_ = 0;
  std::string key_;
};

}  // namespace clover
