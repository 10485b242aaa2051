#include "proxy_header.h"

#include <arpa/inet.h>

#include <charconv>

namespace clover {
namespace {

constexpr std::string_view kText = "PROXY ", kBinary{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr size_t kMaxText = 107;  // with the line's end
constexpr size_t kBinaryHead = 16;

enum Command : u8 { kLocal = 0, kProxy = 1 };
enum Family : u8 { kInet = 1, kInet6 = 2, kUnix = 3 };

bool begins(std::string_view bytes, std::string_view with) {
  size_t size = std::min(bytes.size(), with.size());
  return bytes.substr(0, size) == with.substr(0, size);
}

u16 read_u16(std::string_view bytes, size_t at) {
  return static_cast<u16>(static_cast<u8>(bytes[at]) << 8 | static_cast<u8>(bytes[at + 1]));
}

// Addresses of IPv4 are written as those of IPv6 that stand for them.
Address mapped(const char* v4) {
  Address out{};
  out[10] = out[11] = 0xff;
  std::memcpy(out.data() + 12, v4, 4);
  return out;
}

std::string_view take_word(std::string_view& line) {
  size_t end = std::min(line.find(' '), line.size());
  std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::optional<Address> read_address(std::string_view word, bool v6) {
  Address out{};
  char v4[4];
  std::string text(word);
  if (inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), v6 ? static_cast<void*>(out.data()) : v4) != 1) return std::nullopt;
  return v6 ? out : mapped(v4);
}

std::optional<u16> read_port(std::string_view word) {
  u16 port = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return port;
}

Verdict read_text(std::string_view bytes, ProxyHeader& out) {
  size_t end = bytes.substr(0, kMaxText).find("\r\n");
  if (end == std::string_view::npos) return bytes.size() < kMaxText ? Verdict::maybe : Verdict::no;
  out.size = end + 2;
  std::string_view line = bytes.substr(kText.size(), end - kText.size());
  std::string_view family = take_word(line);
  if (family == "UNKNOWN") return Verdict::yes;
  bool v6 = family == "TCP6";
  if (!v6 && family != "TCP4") return Verdict::no;
  auto address = read_address(take_word(line), v6);
  bool whole = read_address(take_word(line), v6).has_value();
  auto port = read_port(take_word(line));
  whole = read_port(line).has_value() && whole;
  if (!address || !port || !whole) return Verdict::no;
  out.client = {*address, *port};
  return Verdict::yes;
}

Verdict read_binary(std::string_view bytes, ProxyHeader& out) {
  if (bytes.size() < kBinaryHead) return Verdict::maybe;
  auto version = static_cast<u8>(bytes[12]), family = static_cast<u8>(bytes[13]);
  u8 command = version & 0xf;
  if (version >> 4 != 2 || command > kProxy || family >> 4 > kUnix || (family & 0xf) > 2) return Verdict::no;
  out.size = kBinaryHead + read_u16(bytes, 14);
  if (bytes.size() < out.size) return Verdict::maybe;
  std::string_view body = bytes.substr(kBinaryHead, out.size - kBinaryHead);
  if (command == kLocal || (family >> 4 != kInet && family >> 4 != kInet6)) return Verdict::yes;
  size_t length = family >> 4 == kInet ? 4 : 16;
  if (body.size() < 2 * length + 4) return Verdict::no;
  ProxyHeader::Client client{mapped(body.data()), read_u16(body, 2 * length)};
  if (length == 16) std::memcpy(client.address.data(), body.data(), length);
  out.client = client;
  return Verdict::yes;
}

}  // namespace

Verdict read_proxy_header(std::string_view bytes, ProxyHeader& out) {
  bool text = begins(bytes, kText);
  if (!text && !begins(bytes, kBinary)) return Verdict::no;
  if (bytes.size() < (text ? kText : kBinary).size()) return Verdict::maybe;
  return text ? read_text(bytes, out) : read_binary(bytes, out);
}

}  // namespace clover
