#include "netlink.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

namespace clover {
namespace {

constexpr timeval kPatience{2, 0};
// A dump never gives a longer datagram (NLMSG_GOODSIZE, at most 32 KiB).
constexpr size_t kDatagram = 64 * 1024;

// A dump that was refused ends like any other: only its end tells.
int done_with(const nlmsghdr* end) {
  int error = 0;
  if (end->nlmsg_len >= NLMSG_LENGTH(sizeof(error))) std::memcpy(&error, NLMSG_DATA(end), sizeof(error));
  return -error;
}

}  // namespace

void refuse_netlink(const char* what, int error) {
  std::string why = std::strerror(error);
  if (error == EPERM || error == EACCES) why += "; needs CAP_NET_ADMIN";
  throw Unavailable(std::string(what) + ": " + why);
}

Request& Request::nest(u16 type, const std::function<void(Request&)>& fill) {
  size_t at = bytes_.size();
  rtattr attribute{0, type};
  append(&attribute, sizeof(attribute));
  fill(*this);
  attribute.rta_len = static_cast<u16>(bytes_.size() - at);
  std::memcpy(bytes_.data() + at, &attribute, sizeof(attribute));
  return *this;
}

const std::vector<u8>& Request::bytes() {
  u32 length = static_cast<u32>(bytes_.size());
  std::memcpy(bytes_.data(), &length, sizeof(length));
  return bytes_;
}

Request& Request::with(u16 type, const void* data, size_t size) {
  rtattr attribute{static_cast<u16>(RTA_LENGTH(size)), type};
  append(&attribute, sizeof(attribute));
  append(data, size);
  return *this;
}

void Request::append(const void* data, size_t size) {
  const u8* from = static_cast<const u8*>(data);
  bytes_.insert(bytes_.end(), from, from + size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

Netlink::Netlink() : socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
  if (socket_ < 0) refuse_netlink("cannot open a netlink socket", errno);
  int on = 1;
  setsockopt(socket_, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
}

Netlink::~Netlink() { close(socket_); }

int Netlink::ask(Request request, const std::function<void(const nlmsghdr*)>& take) {
  const auto& bytes = request.bytes();
  if (send(socket_, bytes.data(), bytes.size(), 0) < 0) return errno;
  bool acknowledged = reinterpret_cast<const nlmsghdr*>(bytes.data())->nlmsg_flags & NLM_F_ACK;
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
      if (!(at->nlmsg_flags & NLM_F_MULTI) && !acknowledged) return 0;
    }
  }
}

void each_attribute(const rtattr* at, size_t size, const std::function<void(const rtattr*)>& take) {
  auto left = static_cast<u32>(size);
  for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) take(at);
}

std::string text_of(const rtattr* attribute) {
  const char* text = static_cast<const char*>(RTA_DATA(attribute));
  return {text, strnlen(text, RTA_PAYLOAD(attribute))};
}

}  // namespace clover
