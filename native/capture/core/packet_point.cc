#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <cerrno>

#include "capture_point.h"
#include "file.h"

namespace clover {
namespace {

class PacketPoint : public CapturePoint {
 public:
  PacketPoint(File socket, u32 ifindex) : socket_(std::move(socket)), ifindex_(ifindex) {}
  const char* kind() const override { return "packet"; }
  u64 place() const override { return ifindex_; }

 private:
  File socket_;
  u32 ifindex_;
};

[[noreturn]] void refuse_socket(int error) {
  std::string why = std::strerror(error);
  if (error == EPERM) why += "; needs CAP_NET_RAW";
  throw Unavailable("cannot open a packet socket: " + why);
}

}  // namespace

std::unique_ptr<CapturePoint> attach_by_packet_socket(int program, u32 ifindex) {
  // Without a protocol it gets nothing, until the program is there to let nothing in.
  File made(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!made) refuse_socket(errno);
  if (setsockopt(made.get(), SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) != 0) refuse_socket(errno);
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = htons(ETH_P_ALL);
  at.sll_ifindex = static_cast<int>(ifindex);
  if (bind(made.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)) != 0) refuse_socket(errno);
  return std::make_unique<PacketPoint>(std::move(made), ifindex);
}

}  // namespace clover
