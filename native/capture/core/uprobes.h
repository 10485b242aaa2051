// Programs at the functions of TLS libraries in processes.
#pragma once

#include <unordered_map>
#include <vector>

#include "../bpf/tap.h"
#include "capture_point.h"
#include "file.h"
#include "uprobe_links.h"

struct bpf_object;

namespace clover {

// Where in a function a program is: at its beginning, or where it returns, as the kernel finds that, or by the instructions.
enum class TlsPlace : u8 { entry, kernel_return, each_return };

// A function of a TLS library, and a program of bpf/tls.bpf.h.
struct TlsProbe {
  std::string_view function;
  const char* program;
  TlsPlace place;
};

inline constexpr std::string_view kGoTls = "crypto/tls.(*Conn).";
inline constexpr std::string_view kGoRead = "crypto/tls.(*Conn).Read", kGoWrite = "crypto/tls.(*Conn).Write";

// OpenSSL, those that have its interface, and Go.
inline constexpr std::array<TlsProbe, 22> kTlsProbes{{
    {"SSL_read", "tls_read", TlsPlace::entry},
    {"SSL_read", "tls_return", TlsPlace::kernel_return},
    {"SSL_read_ex", "tls_read_ex", TlsPlace::entry},
    {"SSL_read_ex", "tls_return", TlsPlace::kernel_return},
    {"SSL_write", "tls_write", TlsPlace::entry},
    {"SSL_write", "tls_return", TlsPlace::kernel_return},
    {"SSL_write_ex", "tls_write_ex", TlsPlace::entry},
    {"SSL_write_ex", "tls_return", TlsPlace::kernel_return},
    {"SSL_set_connect_state", "tls_set_client", TlsPlace::entry},
    {"SSL_set_accept_state", "tls_set_server", TlsPlace::entry},
    {"SSL_connect", "tls_connect", TlsPlace::entry},
    {"SSL_accept", "tls_accept", TlsPlace::entry},
    {"SSL_do_handshake", "tls_handshake", TlsPlace::entry},
    {"SSL_free", "tls_free", TlsPlace::entry},
    {kGoRead, "tls_go_read", TlsPlace::entry},
    {kGoRead, "tls_go_return", TlsPlace::each_return},
    {kGoWrite, "tls_go_write", TlsPlace::entry},
    {"crypto/tls.(*Conn).clientHandshake", "tls_go_client", TlsPlace::entry},
    {"crypto/tls.(*Conn).serverHandshake", "tls_go_server", TlsPlace::entry},
    // Which sends the client's first message, and which the server's.
    {"crypto/tls.(*Conn).writeHandshakeRecord", "tls_go_handshake", TlsPlace::entry},
    {"crypto/tls.(*Conn).flush", "tls_go_handshake", TlsPlace::entry},
    {"crypto/tls.(*Conn).Close", "tls_go_close", TlsPlace::entry},
}};

// Loads the programs, attaches them to processes, and to the cgroups whose sockets they use. Nothing outlives it.
class Uprobes {
 public:
  // `packets`: the loaded object of the programs that see packets, whose maps are shared. `many_at_once`: the kernel has links of one
  // program to many places, which it lets go together (Linux 6.12); else each place is an event of perf, of which newer kernels let
  // go one by one, 100 ms each. Throws Unavailable.
  Uprobes(const std::string& object_path, bpf_object* packets, const tap_limits& limits, bool many_at_once);
  ~Uprobes();
  Uprobes(const Uprobes&) = delete;
  Uprobes& operator=(const Uprobes&) = delete;

  // Reads a process of the point at the library in `file`, one of several maybe. Throws Unavailable.
  void attach(u32 process, u32 point, const std::string& file);
  // The programs do nothing from now on; the kernel takes some 100 ms to let them go, which is not waited for.
  void detach(u32 process);
  // Learns the sockets of sessions of this cgroup's processes. Throws Unavailable.
  void watch(u32 point, const std::string& cgroup);
  void unwatch(u32 point) { sockets_.erase(point); }
  u64 run_time_ns() const;

 private:
  void attach(const TlsProbe& probe, const std::vector<u64>& places, u32 process, const std::string& file,
              std::vector<UprobeLink>& links);

  bpf_object* object_ = nullptr;
  int processes_ = -1;
  bool many_at_once_;
  std::unordered_map<u32, std::vector<UprobeLink>> links_;  // by process
  UprobeEndings endings_;
  std::unordered_map<u32, File> sockets_;  // by point
};

// Leaves the programs of Uprobes out of an object that is about to be loaded for packets.
void leave_out_uprobes(bpf_object* object);

}  // namespace clover
