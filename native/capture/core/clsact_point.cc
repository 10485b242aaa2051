#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "netlink.h"

namespace clover {
namespace {

// The first of all: of filters with one priority the newest goes first, and what ours say is that the next one decides.
constexpr u32 kPriority = 1;
constexpr u32 kIngress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
constexpr u32 kEgress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);
constexpr char kOwner[] = "clover:";

// What tells a process from later ones with its number: proc(5), starttime. Empty where there is none.
std::string start_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  if (!std::getline(file, text)) return "";
  size_t at = text.rfind(')');
  for (int field = 3; field <= 22 && at != std::string::npos; field++) at = text.find(' ', at + 1);
  return at == std::string::npos ? "" : text.substr(at + 1, text.find(' ', at + 1) - at - 1);
}

// The name of a filter says whose it is.
std::string own_name() {
  std::string pid = std::to_string(getpid());
  return kOwner + pid + ":" + start_of(pid);
}

bool is_left_behind(const std::string& name) {
  size_t from = sizeof(kOwner) - 1, colon = name.find(':', from);
  if (name.compare(0, from, kOwner) != 0 || colon == std::string::npos) return false;
  return start_of(name.substr(from, colon - from)) != name.substr(colon + 1);
}

tcmsg place(u32 ifindex, u32 parent, u32 handle) {
  tcmsg head{};
  head.tcm_family = AF_UNSPEC;
  head.tcm_ifindex = static_cast<int>(ifindex);
  head.tcm_parent = parent;
  head.tcm_handle = handle;
  return head;
}

tcmsg filter(u32 ifindex, u32 parent, u32 handle) {
  tcmsg head = place(ifindex, parent, handle);
  head.tcm_info = TC_H_MAKE(kPriority << 16, htons(ETH_P_ALL));
  return head;
}

void remove(Netlink& netlink, const tcmsg& filter) {
  netlink.ask(Request(RTM_DELTFILTER, NLM_F_ACK, filter).with(TCA_KIND, std::string("bpf")));
}

void make_qdisc(Netlink& netlink, u32 ifindex) {
  tcmsg head = place(ifindex, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0));
  Request request(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, head);
  int error = netlink.ask(request.with(TCA_KIND, std::string("clsact")));
  // Somebody else's; that of `ingress` has no other direction, as the filter for it will tell.
  if (error != 0 && error != EEXIST) refuse_netlink("cannot make a clsact qdisc", error);
}

// A filter, for as long as this process lives or lets it.
class Filter {
 public:
  Filter(int program, u32 ifindex, u32 parent) : place_(filter(ifindex, parent, 0)) {
    Request request(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_ECHO | NLM_F_CREATE | NLM_F_EXCL, place_);
    request.with(TCA_KIND, std::string("bpf")).nest(TCA_OPTIONS, [&](Request& options) {
      options.with(TCA_BPF_FD, static_cast<u32>(program))
          .with(TCA_BPF_NAME, own_name())
          .with(TCA_BPF_FLAGS, static_cast<u32>(TCA_BPF_FLAG_ACT_DIRECT));
    });
    int error = Netlink().ask(request, [&](const nlmsghdr* made) {
      place_.tcm_handle = static_cast<const tcmsg*>(NLMSG_DATA(made))->tcm_handle;
    });
    if (error != 0) refuse_netlink("cannot add a filter to the clsact qdisc", error);
  }
  ~Filter() {
    try {
      Netlink netlink;
      remove(netlink, place_);
    } catch (const Unavailable&) {
      // It does nothing without this process, and the next one takes it away.
    }
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

 private:
  tcmsg place_;
};

// The qdisc stays: others may have come to use it.
class ClsactPoint : public CapturePoint {
 public:
  ClsactPoint(const ProgramPair& programs, u32 ifindex)
      : ingress_(programs.from_pod, ifindex, kIngress), egress_(programs.to_pod, ifindex, kEgress), ifindex_(ifindex) {}
  const char* kind() const override { return "clsact"; }
  u64 place() const override { return ifindex_; }

 private:
  Filter ingress_, egress_;
  u32 ifindex_;
};

std::string name_of(const nlmsghdr* message) {
  std::string name;
  const auto* head = static_cast<const tcmsg*>(NLMSG_DATA(message));
  each_attribute(TCA_RTA(head), TCA_PAYLOAD(message), [&](const rtattr* attribute) {
    if (attribute->rta_type != TCA_OPTIONS) return;
    each_attribute(static_cast<const rtattr*>(RTA_DATA(attribute)), RTA_PAYLOAD(attribute), [&](const rtattr* option) {
      if (option->rta_type == TCA_BPF_NAME) name = text_of(option);
    });
  });
  return name;
}

}  // namespace

std::unique_ptr<CapturePoint> attach_by_clsact(const ProgramPair& programs, u32 ifindex) {
  Netlink netlink;
  make_qdisc(netlink, ifindex);
  return std::make_unique<ClsactPoint>(programs, ifindex);
}

void sweep_clsact() {
  Netlink netlink;
  std::vector<u32> interfaces;
  netlink.ask(Request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}), [&](const nlmsghdr* link) {
    interfaces.push_back(static_cast<u32>(static_cast<const ifinfomsg*>(NLMSG_DATA(link))->ifi_index));
  });
  std::vector<tcmsg> left;
  for (u32 ifindex : interfaces)
    for (u32 parent : {kIngress, kEgress})
      netlink.ask(Request(RTM_GETTFILTER, NLM_F_DUMP, place(ifindex, parent, 0)), [&](const nlmsghdr* message) {
        if (is_left_behind(name_of(message))) left.push_back(*static_cast<const tcmsg*>(NLMSG_DATA(message)));
      });
  for (const tcmsg& filter : left) remove(netlink, filter);
}

}  // namespace clover
