#include "capture_point.h"

#include <cerrno>

namespace clover {

void refuse(const std::string& what, int error, const std::string& more) {
  std::string why = std::strerror(error);
  if (error == EPERM || error == EACCES)
    why += "; needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON";
  throw Unavailable(what + ": " + why + more);
}

}  // namespace clover
