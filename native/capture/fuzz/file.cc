// Target: a capture file, as `cloverctl trace` reads it. An input is the file.
#include "../core/recording.h"
#include "input.h"

using namespace clover;
using namespace clover::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Settings settings;
  settings.boot = 1;
  settings.detailed = true;
  Session session(settings);
  Recording recording(session);
  // Parts of any size: the first byte says of which.
  size_t part = size == 0 ? 1 : size_t{data[0]} + 1;
  while (size > 0) {
    std::vector<u8> piece(data, data + std::min(part, size));
    size_t taken = recording.feed(piece.data(), piece.size());
    session.batches.clear();
    data += taken;
    size -= taken;
  }
  recording.end();
  check_end(session.ledger);
  return 0;
}
