// Which protocol of the table a conversation speaks, told by its bytes.
#pragma once

#include "protocols/table.h"
#include "proxy_header.h"

namespace clover {

// Narrows the table down while the first bytes of both ends come.
class Recogniser {
 public:
  // Takes what `from` has sent next. True where it is decided: protocol() is null where none fits. `hint`: what the server's port
  // is said to speak, or null; it counts where the bytes are nothing else for sure.
  bool look(std::string_view bytes, Side from, const Protocol* hint);
  const Protocol* protocol() const { return protocol_; }
  // What a proxy has said before the client's first bytes.
  const ProxyHeader& proxy_header() const { return proxy_header_; }

 private:
  static bool wait_for_more(std::string& seen, std::string_view all);

  u32 candidates_ = (1u << kProtocolCount) - 1;
  std::string seen_[2];
  const Protocol* protocol_ = nullptr;
  ProxyHeader proxy_header_;
};

// The protocol of which a message begins here for sure, or null.
const Protocol* recognise_message(std::string_view bytes, Side from);

}  // namespace clover
