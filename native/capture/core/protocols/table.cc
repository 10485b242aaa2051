#include "table.h"

#include "dns.h"
#include "http1.h"
#include "http2.h"
#include "kafka.h"
#include "kafka_topics.h"
#include "mysql.h"
#include "postgresql.h"
#include "redis.h"
#include "sip.h"
#include "sip_calls.h"
#include "tls.h"

namespace clover {

const std::array<Protocol, kProtocolCount> kProtocols = {{
    {"dns", true, true, detect_dns, make_dns},
    {"http", true, false, detect_http1, make_http1},
    {"http2", true, false, detect_http2, make_http2},
    {"kafka", true, false, detect_kafka, make_kafka, kafka::make_topics},
    {"mysql", true, false, detect_mysql, make_mysql},
    {"postgresql", true, false, detect_postgresql, make_postgresql},
    {"redis", true, false, detect_redis, make_redis},
    {"sip", true, true, detect_sip, make_sip, sip::make_calls},
    {"tls", true, false, detect_tls, nullptr},
}};

const Protocol* protocol_named(std::string_view name) {
  for (const Protocol& one : kProtocols)
    if (one.name == name) return &one;
  return nullptr;
}

u32 protocols_named(const std::vector<std::string>& names) {
  u32 bits = 0;
  for (size_t i = 0; i < kProtocolCount; i++)
    for (const std::string& name : names)
      if (kProtocols[i].name == name) bits |= 1u << i;
  return names.empty() ? UINT32_MAX : bits;
}

}  // namespace clover
