#include "pcap.h"

#include <algorithm>

#include "link_layer.h"

namespace clover {
namespace {

constexpr u32 kMicroseconds = 0xa1b2c3d4, kNanoseconds = 0xa1b23c4d, kOrder = 0x1a2b3c4d;
constexpr u32 kInterfaceBlock = 1, kObsoleteBlock = 2, kSimpleBlock = 3, kEnhancedBlock = 6;
constexpr size_t kFileHeader = 24, kRecordHeader = 16;
// tcpdump's and Wireshark's own limit is 256 KiB; BIG TCP on loopback makes packets of 512 KiB.
constexpr u32 kMaxPacket = 1024 * 1024;
constexpr u32 kMaxBlock = kMaxPacket + 64 * 1024;  // with its options
constexpr size_t kMaxInterfaces = 65'536;
constexpr u64 kSecond = 1'000'000'000;
constexpr u16 kEndOfOptions = 0, kTimeResolution = 9, kTimeOffset = 14;

std::string hex(u32 value) {
  char text[12];
  snprintf(text, sizeof(text), "0x%08x", value);
  return text;
}

size_t padded(size_t size) { return (size + 3) & ~size_t{3}; }

}  // namespace

u16 PcapReader::u16_at(const u8* p) const {
  return little_ ? static_cast<u16>(p[1] << 8 | p[0]) : be16(p);
}

u32 PcapReader::u32_at(const u8* p) const { return little_ ? __builtin_bswap32(be32(p)) : be32(p); }

bool PcapReader::fail(std::string what) {
  if (!fault_) fault_ = Fault{std::move(what), unit_};
  return false;
}

// More bytes are needed. True where none will come, and the file ends within something.
bool PcapReader::cut() {
  bool between = stage_ == Stage::record || stage_ == Stage::block;
  if (!ended_ || (between && available() == 0)) return false;
  truncated_ = true;
  return true;
}

void PcapReader::feed(const u8* data, size_t size) {
  chunk_ = data;
  chunk_size_ = size;
}

// The next `size` bytes in one piece, or null: they are kept until there are more.
const u8* PcapReader::take(size_t size) {
  size_t kept = kept_.size() - kept_from_;
  if (kept == 0 && chunk_size_ >= size) {
    const u8* at = chunk_;
    chunk_ += size;
    chunk_size_ -= size;
    offset_ += size;
    return at;
  }
  if (kept_from_ > 0) {
    kept_.erase(0, kept_from_);
    kept_from_ = 0;
  }
  if (kept < size) {
    size_t more = std::min(size - kept, chunk_size_);
    kept_.append(reinterpret_cast<const char*>(chunk_), more);
    chunk_ += more;
    chunk_size_ -= more;
  }
  if (kept_.size() < size) return nullptr;
  kept_from_ = size;
  offset_ += size;
  return reinterpret_cast<const u8*>(kept_.data());
}

std::optional<Packet> PcapReader::next() {
  bool more = true;
  while (more && !fault_) {
    switch (stage_) {
      case Stage::magic:
        more = read_magic();
        break;
      case Stage::file_header:
        more = read_file_header();
        break;
      case Stage::record:
        more = read_record();
        break;
      case Stage::record_body:
        return read_record_body();
      case Stage::block:
        more = read_block_type();
        break;
      case Stage::block_length:
        more = read_block_length();
        break;
      case Stage::block_rest:
        more = skip_rest();
        break;
      case Stage::block_body:
        if (auto found = read_block_body()) return found;
        more = stage_ == Stage::block;
    }
  }
  return std::nullopt;
}

bool PcapReader::read_magic() {
  const u8* magic = take(4);
  if (magic == nullptr) {
    if (ended_) fail("it is no capture file (pcap or pcapng)");
    return false;
  }
  u32 big = be32(magic), swapped = __builtin_bswap32(big);
  if (big == kSectionType) {
    type_ = kSectionType;
    stage_ = Stage::block_length;
    return true;
  }
  little_ = swapped == kMicroseconds || swapped == kNanoseconds;
  u32 value = little_ ? swapped : big;
  nanoseconds_ = value == kNanoseconds;
  if (value != kMicroseconds && value != kNanoseconds)
    fail("it is no capture file (pcap or pcapng): it begins with " + hex(big));
  stage_ = Stage::file_header;
  return true;
}

bool PcapReader::read_file_header() {
  const u8* rest = take(kFileHeader - 4);
  if (rest == nullptr) {
    if (ended_) fail("the file ends within its header");
    return false;
  }
  if (u16_at(rest) != 2) fail("version " + std::to_string(u16_at(rest)) + " of pcap is not known");
  // Above the link type there may be the length of a checksum, which lies behind what IP says is the end.
  link_ = u32_at(rest + 16) & 0x03ff'ffff;
  stage_ = Stage::record;
  return true;
}

std::optional<Packet> PcapReader::packet(u32 link, u64 time_ns, const u8* data, u32 captured, u32 length) {
  if (!is_known_link(link)) {
    std::string_view name = link_name(link);
    return broken("its packets have the link type " + std::to_string(link) +
                (name.empty() ? "" : " (" + std::string(name) + ")") + ", which cannot be read");
  }
  last_ns_ = std::max(last_ns_, time_ns);
  return Packet{link, time_ns, {data, captured, std::max(captured, length)}};
}

bool PcapReader::read_record() {
  unit_ = offset_;
  const u8* head = take(kRecordHeader);
  if (head == nullptr) return cut(), false;
  u64 seconds = u32_at(head), part = u32_at(head + 4);
  time_ns_ = seconds * kSecond + part * (nanoseconds_ ? 1 : 1000);
  captured_ = u32_at(head + 8);
  length_ = u32_at(head + 12);
  if (captured_ > kMaxPacket) fail("a packet of " + std::to_string(captured_) + " bytes");
  stage_ = Stage::record_body;
  return true;
}

std::optional<Packet> PcapReader::read_record_body() {
  const u8* data = take(captured_);
  u32 there = captured_;
  if (data == nullptr) {
    if (!cut()) return std::nullopt;
    // What is there of the last packet may be all of its headers.
    there = static_cast<u32>(available());
    data = take(there);
  }
  stage_ = Stage::record;
  return packet(link_, time_ns_, data, there, std::max(captured_, length_));
}

bool PcapReader::read_block_type() {
  unit_ = offset_;
  const u8* type = take(4);
  if (type == nullptr) return cut(), false;
  // The type of a section is the same in both orders.
  type_ = be32(type) == kSectionType ? kSectionType : u32_at(type);
  stage_ = Stage::block_length;
  return true;
}

// The length, and of a section the mark that tells the byte order of it.
bool PcapReader::read_block_length() {
  bool section = type_ == kSectionType;
  const u8* head = take(section ? 8 : 4);
  if (head == nullptr) return cut(), false;
  if (section) {
    u32 order = be32(head + 4);
    little_ = order != kOrder;
    if (little_ && order != __builtin_bswap32(kOrder)) return fail("a section of the byte order " + hex(order));
  }
  total_ = u32_at(head);
  bool known = section || type_ == kInterfaceBlock || type_ == kObsoleteBlock || type_ == kSimpleBlock ||
               type_ == kEnhancedBlock;
  if (total_ < had() + 4 || total_ % 4 != 0 || (known && total_ > kMaxBlock))
    return fail("a block of " + std::to_string(total_) + " bytes");
  left_ = total_ - had() - 4;
  stage_ = known ? Stage::block_body : Stage::block_rest;
  return true;
}

bool PcapReader::repeats(const u8* trailer) {
  stage_ = Stage::block;
  u32 again = u32_at(trailer);
  if (again == total_) return true;
  return fail("a block whose two lengths differ: " + std::to_string(total_) + " and " + std::to_string(again));
}

bool PcapReader::skip_rest() {
  while (left_ > 0) {
    auto step = static_cast<u32>(std::min<size_t>(left_, available()));
    if (step == 0) return cut(), false;
    take(step);
    left_ -= step;
  }
  const u8* trailer = take(4);
  if (trailer == nullptr) return cut(), false;
  return repeats(trailer);
}

std::optional<Packet> PcapReader::read_block_body() {
  size_t size = left_;
  const u8* body = take(size + 4);
  if (body == nullptr) {
    cut();
    return std::nullopt;
  }
  if (!repeats(body + size)) return std::nullopt;
  switch (type_) {
    case kSectionType:
      read_section(body, size);
      return std::nullopt;
    case kInterfaceBlock:
      read_interface(body, size);
      return std::nullopt;
    case kSimpleBlock:
      return simple(body, size);
    default:
      return enhanced(body, size, type_ == kObsoleteBlock);
  }
}

void PcapReader::read_section(const u8* body, size_t size) {
  if (size < 12) fail("a section header of " + std::to_string(size) + " bytes");
  else if (u16_at(body) != 1) fail("version " + std::to_string(u16_at(body)) + " of pcapng is not known");
  interfaces_.clear();
}

void PcapReader::read_interface(const u8* body, size_t size) {
  if (size < 8) fail("an interface of " + std::to_string(size) + " bytes");
  if (interfaces_.size() >= kMaxInterfaces) fail("too many interfaces");
  if (fault_) return;
  Interface face;
  face.link = u16_at(body);
  face.snaplen = u32_at(body + 4);
  for (size_t at = 8; at + 4 <= size;) {
    u16 code = u16_at(body + at), length = u16_at(body + at + 2);
    at += 4;
    if (code == kEndOfOptions) break;
    if (at + length > size) {
      fail("an option that is longer than its block");
      return;
    }
    if (code == kTimeResolution && length >= 1) {
      face.binary = body[at] & 0x80;
      face.exponent = body[at] & 0x7f;
    } else if (code == kTimeOffset && length >= 8) {
      u64 low = u32_at(body + at + (little_ ? 0 : 4)), high = u32_at(body + at + (little_ ? 4 : 0));
      constexpr i64 kMost = INT64_MAX / static_cast<i64>(kSecond);
      i64 seconds = std::clamp(static_cast<i64>(high << 32 | low), -kMost, kMost);
      face.offset_ns = seconds * static_cast<i64>(kSecond);
    }
    at += padded(length);
  }
  interfaces_.push_back(face);
}

u64 PcapReader::time_of(const Interface& face, u64 ticks) const {
  using Wide = unsigned __int128;
  Wide ns = 0;
  if (face.binary) {
    ns = face.exponent < 94 ? Wide{ticks} * kSecond >> face.exponent : 0;
  } else {
    // 2^64 ticks of 10^-29 s are no nanosecond.
    Wide scale = 1;
    int power = face.exponent - 9;
    for (int i = 0; i < std::min(std::abs(power), 20); i++) scale *= 10;
    ns = power < 0 ? Wide{ticks} * scale : Wide{ticks} / scale;
  }
  auto whole = static_cast<__int128>(std::min<Wide>(ns, UINT64_MAX)) + face.offset_ns;
  return static_cast<u64>(std::clamp<__int128>(whole, 0, static_cast<__int128>(INT64_MAX)));
}

std::optional<Packet> PcapReader::enhanced(const u8* body, size_t size, bool obsolete) {
  if (size < 20) return broken("a packet block of " + std::to_string(size) + " bytes");
  u32 index = obsolete ? u16_at(body) : u32_at(body);
  if (index >= interfaces_.size())
    return broken("a packet of the interface " + std::to_string(index) + ", which is not there");
  u64 ticks = u64{u32_at(body + 4)} << 32 | u32_at(body + 8);
  u32 captured = u32_at(body + 12), length = u32_at(body + 16);
  if (captured > size - 20) return broken("a packet that is longer than its block");
  const Interface& face = interfaces_[index];
  return packet(face.link, time_of(face, ticks), body + 20, captured, length);
}

std::optional<Packet> PcapReader::simple(const u8* body, size_t size) {
  if (size < 4) return broken("a packet block of " + std::to_string(size) + " bytes");
  if (interfaces_.empty()) return broken("a packet of the interface 0, which is not there");
  const Interface& face = interfaces_[0];
  u32 length = u32_at(body);
  u32 captured = face.snaplen > 0 ? std::min(face.snaplen, length) : length;
  if (captured > size - 4) return broken("a packet that is longer than its block");
  // It has no time of its own.
  return packet(face.link, last_ns_, body + 4, captured, length);
}

}  // namespace clover
