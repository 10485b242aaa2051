// What libbpf says while it loads programs, the verifier's reasons among it.
#pragma once

#include <string>

namespace clover {

// Takes what libbpf warns of on this thread while it exists; what it says otherwise goes nowhere.
class LoaderLog {
 public:
  LoaderLog();
  ~LoaderLog();
  LoaderLog(const LoaderLog&) = delete;
  LoaderLog& operator=(const LoaderLog&) = delete;

  // The last lines of the verifier, or of libbpf where that said nothing; each begins with a line break. Empty: there were none.
  std::string tail() const;

 private:
  std::string text_;
};

}  // namespace clover
