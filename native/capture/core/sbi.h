// The service-based interfaces of the 5G core: HTTP with names and identifiers of its own (3GPP TS 29.500, 29.501, 23.003).
#pragma once

#include <optional>

#include "common.h"

namespace clover::sbi {

// The text with REDACTED for the values of identifiers of subscribers and devices: SUPI (imsi-, nai-, suci-, gci-,
// gli-), GPSI (msisdn-, extid-) and PEI (imei-, imeisv-). They may stand in any path of HTTP, not only in these.
std::string redacted(std::string_view text);

// What a path asks for.
struct Resource {
  std::string nf;       // type of network function by TS 29.510, such as AMF
  std::string service;  // name in the path, such as namf-comm
  std::string route;    // the path with names instead of identifiers, such as /namf-comm/v1/ue-contexts/{supi}
  size_t operation = 0;  // where the part behind the version begins in it
};

// Nothing where the path is not `/n<nf>-<service>/v<number>/…`.
std::optional<Resource> parse(std::string_view path);

}  // namespace clover::sbi
