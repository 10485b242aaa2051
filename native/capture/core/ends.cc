#include "ends.h"

#include "attributes.h"

namespace clover {

void describe_ends(Request& request, const Conversation& talk) {
  const FlowKey& key = talk.key();
  Attributes out(request.attributes);
  std::string address = request.host;
  u16 port = request.port;
  const Conversation::End* dialed = request.server ? nullptr : talk.dialed();
  if (address.empty() && !request.host_unknown)
    address = request.server ? talk.pod_text() : dialed != nullptr ? dialed->address : talk.peer_text();
  if (port == 0) port = request.server ? key.pod_port : dialed != nullptr ? dialed->port : key.peer_port;
  if (!address.empty()) out.text("server.address", address);
  if (port != 0) out.number("server.port", port);
  if (!request.server) return;
  const Conversation::End* forwarded = talk.forwarded();
  std::string client = forwarded != nullptr ? forwarded->address : talk.peer_text();
  if (!client.empty()) out.text("client.address", client);
  if (forwarded != nullptr) out.number("client.port", forwarded->port);
}

}  // namespace clover
