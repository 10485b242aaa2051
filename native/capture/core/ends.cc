#include "ends.h"

#include "attributes.h"

namespace clover {

void describe_ends(Request& request, const Conversation& talk) {
  const FlowKey& key = talk.key();
  if (talk.peer_text().empty()) return;
  Attributes out(request.attributes);
  out.text("server.address", request.server ? talk.pod_text() : talk.peer_text());
  out.number("server.port", request.server ? key.pod_port : key.peer_port);
  if (request.server) out.text("client.address", talk.peer_text());
}

}  // namespace clover
