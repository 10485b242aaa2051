#include "links.h"

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>

#include "tap.h"

namespace clover {
namespace {

constexpr int kTries = 8;
constexpr i32 kUnnamed = -1;
constexpr timeval kPatience{2, 0};
// A dump never gives a longer datagram (NLMSG_GOODSIZE, at most 32 KiB).
constexpr size_t kDatagram = 64 * 1024;

[[noreturn]] void refuse(const char* what, int error) {
  std::string why = std::strerror(error);
  if (error == EPERM || error == EACCES) why += "; needs CAP_NET_ADMIN";
  throw Unavailable(std::string(what) + ": " + why);
}

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

  Request& with(u16 type, u32 value) {
    rtattr attribute{RTA_LENGTH(sizeof(value)), type};
    append(&attribute, sizeof(attribute));
    append(&value, sizeof(value));
    return *this;
  }

  const std::vector<u8>& bytes() {
    u32 length = static_cast<u32>(bytes_.size());
    std::memcpy(bytes_.data(), &length, sizeof(length));
    return bytes_;
  }

 private:
  void append(const void* data, size_t size) {
    const u8* from = static_cast<const u8*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }
  std::vector<u8> bytes_;
};

// A dump that was refused ends like any other: only its end tells.
int done_with(const nlmsghdr* end) {
  int error = 0;
  if (end->nlmsg_len >= NLMSG_LENGTH(sizeof(error))) std::memcpy(&error, NLMSG_DATA(end), sizeof(error));
  return -error;
}

// One conversation with the kernel at a time.
class Netlink {
 public:
  Netlink() : socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    if (socket_ < 0) refuse("cannot open a netlink socket", errno);
    int on = 1;
    setsockopt(socket_, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  }
  ~Netlink() { close(socket_); }
  Netlink(const Netlink&) = delete;
  Netlink& operator=(const Netlink&) = delete;

  // The errno of the answer, 0 for none; EINTR for a dump that changed while it was told.
  int ask(Request request, const std::function<void(const nlmsghdr*)>& take) {
    const auto& bytes = request.bytes();
    if (send(socket_, bytes.data(), bytes.size(), 0) < 0) return errno;
    bool changed = false;
    std::vector<u8> buffer(kDatagram);
    for (;;) {
      ssize_t size = recv(socket_, buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return errno;
      auto left = static_cast<u32>(size);
      for (auto* at = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
        if (at->nlmsg_flags & NLM_F_DUMP_INTR) changed = true;
        if (at->nlmsg_type == NLMSG_DONE) return changed ? EINTR : done_with(at);
        if (at->nlmsg_type == NLMSG_ERROR) return -static_cast<const nlmsgerr*>(NLMSG_DATA(at))->error;
        take(at);
        if (!(at->nlmsg_flags & NLM_F_MULTI)) return 0;
      }
    }
  }

 private:
  int socket_;
};

void each_attribute(const rtattr* at, size_t size, const std::function<void(const rtattr*)>& take) {
  auto left = static_cast<u32>(size);
  for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) take(at);
}

i32 number_of(const rtattr* attribute) {
  i32 value = 0;
  if (RTA_PAYLOAD(attribute) >= sizeof(value)) std::memcpy(&value, RTA_DATA(attribute), sizeof(value));
  return value;
}

std::string text_of(const rtattr* attribute) {
  const char* text = static_cast<const char*>(RTA_DATA(attribute));
  return {text, strnlen(text, RTA_PAYLOAD(attribute))};
}

Link link_of(const nlmsghdr* message) {
  const auto* head = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
  Link link;
  link.ifindex = static_cast<u32>(head->ifi_index);
  each_attribute(IFLA_RTA(head), IFLA_PAYLOAD(message), [&](const rtattr* attribute) {
    switch (attribute->rta_type & NLA_TYPE_MASK) {
      case IFLA_IFNAME: link.name = text_of(attribute); break;
      case IFLA_LINK: link.other_ifindex = static_cast<u32>(number_of(attribute)); break;
      case IFLA_LINK_NETNSID: link.other_namespace = number_of(attribute); break;
      case IFLA_XDP:
        each_attribute(static_cast<const rtattr*>(RTA_DATA(attribute)), RTA_PAYLOAD(attribute),
                       [&](const rtattr* xdp) {
                         if (xdp->rta_type == IFLA_XDP_ATTACHED)
                           link.xdp = *static_cast<const u8*>(RTA_DATA(xdp)) != XDP_ATTACHED_NONE;
                       });
        break;
      case IFLA_LINKINFO:
        each_attribute(static_cast<const rtattr*>(RTA_DATA(attribute)), RTA_PAYLOAD(attribute),
                       [&](const rtattr* info) {
                         if (info->rta_type == IFLA_INFO_KIND) link.kind = text_of(info);
                       });
        break;
    }
  });
  return link;
}

// The links of a namespace by its id; of our own for kUnnamed.
std::vector<Link> links_of(Netlink& netlink, i32 id) {
  int error = EINTR;
  for (int tries = 0; error == EINTR && tries < kTries; tries++) {
    std::vector<Link> links;
    Request request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
    request.with(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    if (id != kUnnamed) request.with(IFLA_TARGET_NETNSID, static_cast<u32>(id));
    error = netlink.ask(request, [&](const nlmsghdr* message) { links.push_back(link_of(message)); });
    if (error == 0) return links;
  }
  refuse("cannot list network interfaces", error);
}

// The id that our namespace has for that of a process, kUnnamed for none yet; nothing when it is gone.
std::optional<i32> namespace_of(Netlink& netlink, u32 pid) {
  i32 id = kUnnamed;
  Request request(RTM_GETNSID, 0, rtgenmsg{});
  request.with(NETNSA_PID, pid);
  int error = netlink.ask(request, [&](const nlmsghdr* message) {
    const auto* head = static_cast<const u8*>(NLMSG_DATA(message)) + NLMSG_ALIGN(sizeof(rtgenmsg));
    size_t size = message->nlmsg_len - NLMSG_SPACE(sizeof(rtgenmsg));
    each_attribute(reinterpret_cast<const rtattr*>(head), size, [&](const rtattr* attribute) {
      if (attribute->rta_type == NETNSA_NSID) id = number_of(attribute);
    });
  });
  if (error == ESRCH) return std::nullopt;
  if (error != 0) refuse("cannot ask for a network namespace", error);
  return id;
}

// Gives the namespace of a process an id; the kernel does so by itself for one that a veth joins with ours.
void name_namespace(Netlink& netlink, u32 pid) {
  Request request(RTM_NEWNSID, NLM_F_ACK, rtgenmsg{});
  request.with(NETNSA_PID, pid).with(NETNSA_NSID, static_cast<u32>(kUnnamed));
  int error = netlink.ask(request, [](const nlmsghdr*) {});
  if (error != 0 && error != EEXIST && error != ESRCH) refuse("cannot name a network namespace", error);
}

}  // namespace

std::optional<ProcessLinks> process_links(u32 pid) {
  Netlink netlink;
  // First, since it names the namespaces behind our veths.
  const auto ours = links_of(netlink, kUnnamed);
  auto id = namespace_of(netlink, pid);
  if (id == kUnnamed) {
    name_namespace(netlink, pid);
    id = namespace_of(netlink, pid);
  }
  if (!id || *id == kUnnamed) return std::nullopt;
  ProcessLinks found;
  found.own = namespace_of(netlink, static_cast<u32>(getpid())) == id;
  if (found.own) return found;
  for (Link& link : links_of(netlink, *id)) {
    const auto other = std::find_if(ours.begin(), ours.end(), [&](const Link& one) {
      return one.other_namespace == *id && one.other_ifindex == link.ifindex;
    });
    ProcessLink both{std::move(link), std::nullopt};
    if (other != ours.end()) both.ours = *other;
    found.links.push_back(std::move(both));
  }
  return found;
}

}  // namespace clover
