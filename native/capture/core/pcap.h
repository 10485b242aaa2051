// Capture files read as a stream: pcap (microseconds and nanoseconds) and pcapng, in either byte order.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "packet.h"

namespace clover {

// What is wrong with a capture file, and where.
struct Fault {
  std::string what;
  u64 offset = 0;  // bytes from the beginning of the file
};

// Takes a file in chunks of any size and gives its packets one by one. Formats:
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html and …-pcapng-03.html.
class PcapReader {
 public:
  // The next packet; its bytes stay until the next call of any method. Nothing where more has to be fed, the file
  // is over, or fault() tells.
  std::optional<Packet> next();
  // More of the file. The bytes have to stay until next() has given nothing.
  void feed(const u8* data, size_t size);
  // The file ends here. Then next() gives the packet that was cut by that, if it is one.
  void end() { ended_ = true; }
  // How many bytes were fed and not looked at yet; after that they are forgotten.
  size_t give_back() { return std::exchange(chunk_size_, 0); }

  const std::optional<Fault>& fault() const { return fault_; }
  // Whether the file ended within a packet or a block.
  bool truncated() const { return truncated_; }

 private:
  static constexpr u32 kSectionType = 0x0a0d0d0a;
  // What comes next in the file.
  enum class Stage : u8 { magic, file_header, record, record_body, block, block_length, block_body, block_rest };
  struct Interface {
    u32 link = 0;
    u32 snaplen = 0;
    bool binary = false;  // a tick is 2^-exponent s, else 10^-exponent s
    u8 exponent = 6;
    i64 offset_ns = 0;
  };

  u16 u16_at(const u8* p) const;
  u32 u32_at(const u8* p) const;
  const u8* take(size_t size);
  size_t available() const { return kept_.size() - kept_from_ + chunk_size_; }
  bool fail(std::string what);
  std::nullopt_t broken(std::string what) {
    fail(std::move(what));
    return std::nullopt;
  }
  bool cut();
  // So much of the block has been read when its length is known.
  u32 had() const { return type_ == kSectionType ? 12 : 8; }

  // Each reads one thing. False: more is needed, or something is wrong.
  bool read_magic();
  bool read_file_header();
  bool read_record();
  bool read_block_type();
  bool read_block_length();
  bool skip_rest();
  bool repeats(const u8* trailer);
  void read_interface(const u8* body, size_t size);
  void read_section(const u8* body, size_t size);

  std::optional<Packet> read_record_body();
  std::optional<Packet> read_block_body();
  std::optional<Packet> enhanced(const u8* body, size_t size, bool obsolete);
  std::optional<Packet> simple(const u8* body, size_t size);
  std::optional<Packet> packet(u32 link, u64 time_ns, const u8* data, u32 captured, u32 length);
  u64 time_of(const Interface& face, u64 ticks) const;

  Stage stage_ = Stage::magic;
  bool little_ = true;
  bool nanoseconds_ = false;
  bool ended_ = false, truncated_ = false;
  u32 link_ = 0;
  std::vector<Interface> interfaces_;
  u64 last_ns_ = 0;

  std::string kept_;       // the beginning of something that is not whole yet
  size_t kept_from_ = 0;
  const u8* chunk_ = nullptr;
  size_t chunk_size_ = 0;
  u64 offset_ = 0;         // of the next byte in the file
  u64 unit_ = 0;           // where the record or block begins that is being read
  u32 type_ = 0;           // of the block
  u32 total_ = 0;          // its length, which its end repeats
  u32 left_ = 0;           // of a block that nobody reads
  u32 captured_ = 0, length_ = 0;  // of the record's packet
  u64 time_ns_ = 0;
  std::optional<Fault> fault_;
};

}  // namespace clover
