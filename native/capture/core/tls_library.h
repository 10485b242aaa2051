// TLS libraries within files of programs: which one it is, and where its functions are.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common.h"

namespace clover {

// A function in a file, by offsets in that.
struct TlsFunction {
  u64 at = 0;
  std::vector<u64> returns;  // of one of Go's
};

// The library of one file.
struct TlsLibrary {
  std::string name;     // "OpenSSL", "BoringSSL", "Go crypto/tls"
  std::string version;  // as far as the file tells it
  std::map<std::string, TlsFunction, std::less<>> functions;  // those of kTlsProbes that it names

  // Whether there is all that it takes to read its plain text.
  bool readable() const;
};

// Looks into an ELF file; nothing where it has no TLS library, or is none. Of one that is part of a program (static) and that no
// symbols name, `functions` is empty.
std::optional<TlsLibrary> tls_library_of(const std::string& path);

}  // namespace clover
