// TLS libraries within files of programs: which one it is, and where its functions are.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common.h"

namespace clover {

// A function in a file, by offsets in that.
struct TlsFunction {
  u64 at = 0;  // where it begins, as often as it is called (body_of)
  std::vector<u64> returns;  // of one of Go's
};

// The functions of a file's library.
struct TlsFunctions {
  std::map<std::string, TlsFunction, std::less<>> by_name;  // those of kTlsProbes that the file names
  bool go = false;  // they are Go's

  // Whether there is all that it takes to read its plain text.
  bool readable() const;
};

// The library of one file.
struct TlsLibrary {
  std::string name;     // "OpenSSL", "BoringSSL", "Go crypto/tls"
  std::string version;  // as far as the file tells it
  bool readable = false;
};

// Looks into an ELF file; nothing where it has no TLS library, or is none. One that is part of a program (static) and that no symbols name
// is told, and not readable. Whoever wrote the file may mean harm: what is read of it, and what that takes, has a bound.
std::optional<TlsLibrary> tls_library_of(const std::string& path);

// The same without its name, for which all constants of a large program have to be read.
TlsFunctions tls_functions_of(const std::string& path);

}  // namespace clover
