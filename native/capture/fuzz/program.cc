// Target: a program's file, as it is looked into for a TLS library before anything is attached to it. An input is the file, which whoever
// runs a container has written.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "../core/tls_library.h"
#include "input.h"

using namespace clover;
using namespace clover::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int file = memfd_create("program", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  check(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == static_cast<ssize_t>(size), "the file is written");
  tls_library_of(path);
  for (const auto& [name, function] : tls_functions_of(path).by_name)
    for (u64 at : function.returns) check(at < size, "a return lies in the file");
  return 0;
}
