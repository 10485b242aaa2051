// What a proxy says of a connection that it forwards, before all else on its own one: the PROXY protocol, versions 1 and 2
// (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt).
#pragma once

#include <optional>

#include "parser.h"

namespace clover {

struct ProxyHeader {
  struct Client {
    Address address;
    u16 port;
  };

  size_t size = 0;               // in bytes
  std::optional<Client> client;  // nothing where the proxy speaks for itself, or does not say
};

// Whether the first bytes of who opened a connection are such a header. One that is written wrongly is none.
Verdict read_proxy_header(std::string_view bytes, ProxyHeader& out);

}  // namespace clover
