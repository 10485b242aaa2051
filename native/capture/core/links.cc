#include "links.h"

#include <linux/net_namespace.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "netlink.h"

namespace clover {
namespace {

constexpr int kTries = 8;
constexpr i32 kUnnamed = -1;

i32 number_of(const rtattr* attribute) {
  i32 value = 0;
  if (RTA_PAYLOAD(attribute) >= sizeof(value)) std::memcpy(&value, RTA_DATA(attribute), sizeof(value));
  return value;
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
  refuse_netlink("cannot list network interfaces", error);
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
  if (error != 0) refuse_netlink("cannot ask for a network namespace", error);
  return id;
}

// Gives the namespace of a process an id; the kernel does so by itself for one that a veth joins with ours.
void name_namespace(Netlink& netlink, u32 pid) {
  Request request(RTM_NEWNSID, NLM_F_ACK, rtgenmsg{});
  request.with(NETNSA_PID, pid).with(NETNSA_NSID, static_cast<u32>(kUnnamed));
  int error = netlink.ask(request, [](const nlmsghdr*) {});
  if (error != 0 && error != EEXIST && error != ESRCH) refuse_netlink("cannot name a network namespace", error);
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
