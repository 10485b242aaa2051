// A capture file as the source of a session: its packets' times are the clock.
#pragma once

#include "copies.h"
#include "frame.h"
#include "pcap.h"
#include "session.h"

namespace clover {

// Reads a file into a session that has nothing but it.
class Recording {
 public:
  explicit Recording(Session& session);

  // Takes bytes of the file, and returns how many: fewer where batches have to be fetched first.
  size_t feed(const u8* data, size_t size);
  // The file ends here: what is open becomes incomplete spans.
  void end();

  const std::optional<Fault>& fault() const { return reader_.fault(); }
  bool truncated() const { return reader_.truncated(); }
  u64 packets() const { return packets_; }
  const WireCounters& wire() const { return wire_; }

 private:
  void packet(const Packet& packet);
  void note_losses();

  Session& session_;
  PcapReader reader_;
  Fragments fragments_;
  Copies copies_;
  WireCounters wire_{};
  u64 packets_ = 0;
  u64 clock_ns_ = 0, advanced_ns_ = 0;
  bool over_ = false;
};

}  // namespace clover
