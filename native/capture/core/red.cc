#include "red.h"

#include <algorithm>

#include "attributes.h"
#include "protobuf.h"
#include "protocols/redis_command.h"

namespace clover {
namespace {

// The SDKs' default is 2000 of one metric (OpenTelemetry, Metrics SDK, cardinality limits); these are of all. About 1 MiB.
constexpr size_t kMaxSeries = 2'000;
constexpr size_t kMaxSeriesOfSide = 200;  // so that no service takes the room of all
constexpr size_t kMaxServices = 1'000;
constexpr size_t kMaxValue = 128;

enum Key : size_t {
  request_method, status_code, url_scheme, rpc_system, rpc_method, rpc_status, db_system, db_operation,
  db_status, messaging_system, messaging_operation, protocol_name, question_type, sip_method, sip_status, kKeys
};

constexpr std::string_view kNames[kKeys] = {
    "http.request.method", "http.response.status_code", "url.scheme", "rpc.system.name", "rpc.method",
    "rpc.status_code", "db.system.name", "db.operation.name", "db.response.status_code",
    "messaging.system", "messaging.operation.name", "network.protocol.name", "dns.question.type", "sip.request.method",
    "sip.response.status_code"};

// A value of an attribute: a text, or a number as text.
struct Value {
  std::string_view text;
  u64 number = 0;
  bool known = false, numeric = false;
};

void read_values(std::string_view attributes, Value (&values)[kKeys]) {
  for (size_t at = 0; at < attributes.size();) {
    std::string_view pair = proto::read_bytes(attributes, at);
    size_t within = 0;
    std::string_view name = proto::read_bytes(pair, within);
    auto* found = std::find(std::begin(kNames), std::end(kNames), name);
    if (found == std::end(kNames)) continue;
    std::string_view any = proto::read_bytes(pair, within);
    if (any.empty()) continue;
    Value& value = values[found - kNames];
    size_t start = 0;
    value.known = true;
    value.numeric = any[0] != 0x0a;
    if (value.numeric) value.number = proto::read_varint(any, ++start);
    else value.text = proto::read_bytes(any, start).substr(0, kMaxValue);
  }
}

Metric metric_of(const Value (&values)[kKeys], bool server) {
  if (values[rpc_system].known) return server ? Metric::rpc_server : Metric::rpc_client;
  if (values[request_method].known) return server ? Metric::http_server : Metric::http_client;
  // The conventions have none for the servers of these.
  if (!server && values[db_system].known) return Metric::db_client;
  if (!server && values[messaging_system].known) return Metric::messaging_client;
  if (!server && values[protocol_name].text == "dns") return Metric::dns_lookup;
  return server ? Metric::other_server : Metric::other_client;
}

}  // namespace

std::string_view metric_name(Metric metric) {
  static constexpr std::string_view kMetricNames[kMetrics] = {
      "http.server.request.duration", "http.client.request.duration", "rpc.server.call.duration",
      "rpc.client.call.duration", "db.client.operation.duration", "messaging.client.operation.duration",
      "dns.lookup.duration", "clover.server.request.duration", "clover.client.request.duration"};
  return kMetricNames[static_cast<size_t>(metric)];
}

const std::vector<double>& metric_bounds(Metric metric) {
  static const std::vector<double> common{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10};
  static const std::vector<double> databases{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10};
  return metric == Metric::db_client ? databases : common;
}

void RedSeries::observe(double seconds) {
  const auto& bounds = metric_bounds(metric);
  buckets.resize(bounds.size() + 1);
  count++;
  sum += seconds;
  // A bound belongs to the bucket below it.
  buckets[static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin())]++;
}

std::shared_ptr<RedService> Red::service(const Identity& identity) {
  for (const auto& one : services_)
    if (one->service == identity.service && one->version == identity.version && one->name_space == identity.name_space)
      return one;
  if (services_.size() >= kMaxServices || series_ >= kMaxSeries / 2) forget_unused();
  auto created = std::make_shared<RedService>();
  created->name_space = identity.name_space;
  created->service = identity.service;
  created->version = identity.version;
  services_.push_back(created);
  return created;
}

// A whole service at once: what is left of one still adds up.
void Red::forget_unused() {
  auto unused = [this](const std::shared_ptr<RedService>& one) {
    if (one.use_count() > 1 || one->server.open + one->client.open > 0) return false;
    series_ -= one->server.series.size() + one->client.series.size();
    return true;
  };
  services_.erase(std::remove_if(services_.begin(), services_.end(), unused), services_.end());
}

void Red::start(Request& request, RedService& service) {
  request.red = &service.side(request.server);
  request.red->started++;
  request.red->open++;
}

void Red::give(Request& request) {
  if (request.red == nullptr) return;
  request.red->started--;
  request.red->open--;
  request.red = nullptr;
}

void Red::done(const Request& request) {
  if (request.red == nullptr) return;
  series_of(*request.red, request).observe(static_cast<double>(request.end_ns - request.start_ns) / 1e9);
  request.red->open--;
}

void Red::lose(const Request& request, std::string_view cause) {
  if (request.red == nullptr) return;
  request.red->open--;
  add(request.red->lost, cause, 1);
}

void Red::missed(RedService& service, bool server, std::string_view cause) {
  RedSide& side = service.side(server);
  side.started++;
  add(side.lost, cause, 1);
}

RedSeries& Red::series_of(RedSide& side, const Request& request) {
  Value values[kKeys];
  read_values(request.attributes, values);
  Metric metric = metric_of(values, request.server);
  static constexpr Key kHttp[] = {request_method, url_scheme, status_code};
  static constexpr Key kRpc[] = {rpc_system, rpc_method, rpc_status};
  static constexpr Key kDb[] = {db_system, db_operation, db_status};
  static constexpr Key kMessaging[] = {messaging_system, messaging_operation};
  // The name that was asked for has no bound.
  static constexpr Key kDns[] = {question_type};
  static constexpr Key kOther[] = {db_system, db_operation, db_status, messaging_system, messaging_operation, protocol_name,
                                   question_type, sip_method, sip_status};
  std::vector<std::pair<std::string_view, std::string>> attributes;
  auto take = [&](const Key* keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
      const Value& value = values[keys[i]];
      if (!value.known) continue;
      std::string text = value.numeric ? std::to_string(value.number) : std::string(value.text);
      // Spans have it as it was sent.
      if (keys[i] == db_operation && values[db_system].text == "redis") text = redis::known_name(text);
      attributes.emplace_back(kNames[keys[i]], std::move(text));
    }
  };
  switch (metric) {
    case Metric::http_server:
    case Metric::http_client: take(kHttp, std::size(kHttp)); break;
    case Metric::rpc_server:
    case Metric::rpc_client: take(kRpc, std::size(kRpc)); break;
    case Metric::db_client: take(kDb, std::size(kDb)); break;
    case Metric::messaging_client: take(kMessaging, std::size(kMessaging)); break;
    case Metric::dns_lookup: take(kDns, std::size(kDns)); break;
    default: take(kOther, std::size(kOther));
  }
  if (!request.error_type.empty())
    attributes.emplace_back("error.type", is_ascii(request.error_type) ? request.error_type.substr(0, kMaxValue) : "_OTHER");
  key_.assign(1, static_cast<char>(metric));
  for (const auto& [name, value] : attributes) key_.append(name).push_back('\0'), key_.append(value).push_back('\0');
  auto found = side.series.find(key_);
  if (found != side.series.end()) return found->second;
  if (series_ >= kMaxSeries || side.series.size() >= kMaxSeriesOfSide) {
    RedSeries& overflow = side.overflow[static_cast<size_t>(metric)];
    overflow.metric = metric;
    if (overflow.attributes.empty()) overflow.attributes.emplace_back("otel.metric.overflow", "true");
    return overflow;
  }
  series_++;
  RedSeries& created = side.series[key_];
  created.metric = metric;
  created.attributes = std::move(attributes);
  return created;
}

}  // namespace clover
