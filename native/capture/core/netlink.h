// Questions to the kernel's network by netlink (rtnetlink(7)).
#pragma once

#include <linux/rtnetlink.h>

#include <functional>
#include <vector>

#include "capture_point.h"

namespace clover {

// Throws Unavailable with what could not be done, why, and which right it takes if it is for that.
[[noreturn]] void refuse_netlink(const char* what, int error);

// A request that grows by attributes.
class Request {
 public:
  template <typename Head>
  Request(u16 type, u16 flags, const Head& head) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<u16>(NLM_F_REQUEST | flags);
    append(&header, sizeof(header));
    append(&head, sizeof(head));
  }

  Request& with(u16 type, u32 value) { return with(type, &value, sizeof(value)); }
  // Text, with its end.
  Request& with(u16 type, const std::string& text) { return with(type, text.c_str(), text.size() + 1); }
  // Attributes within an attribute.
  Request& nest(u16 type, const std::function<void(Request&)>& fill);

  const std::vector<u8>& bytes();

 private:
  Request& with(u16 type, const void* data, size_t size);
  void append(const void* data, size_t size);

  std::vector<u8> bytes_;
};

// One conversation with the kernel at a time.
class Netlink {
 public:
  // Throws Unavailable.
  Netlink();
  ~Netlink();
  Netlink(const Netlink&) = delete;
  Netlink& operator=(const Netlink&) = delete;

  // The errno of the answer, 0 for none; EINTR for a dump that changed while it was told.
  int ask(Request request, const std::function<void(const nlmsghdr*)>& take = [](const nlmsghdr*) {});

 private:
  int socket_;
};

void each_attribute(const rtattr* at, size_t size, const std::function<void(const rtattr*)>& take);
std::string text_of(const rtattr* attribute);

}  // namespace clover
