#include "link_layer.h"

namespace clover {
namespace {

constexpr u32 kNull = 0, kRawBsd = 12, kRawOpenBsd = 14, kRaw = 101, kLoop = 108, kCooked = 113, kIpv4 = 228,
              kIpv6 = 229, kCooked2 = 276;
constexpr size_t kCookedHeader = 16, kCooked2Header = 20;
constexpr int kMaxTags = 2;

struct Name {
  u32 link;
  std::string_view name;
};

// Ours, and those of other captures that people have: an error can say what it is.
constexpr Name kNames[] = {
    {kNull, "NULL"},        {kEthernet, "ETHERNET"},   {6, "IEEE802_5"},
    {9, "PPP"},             {kRawBsd, "RAW"},          {kRawOpenBsd, "RAW"},
    {50, "PPP_HDLC"},       {51, "PPP_ETHER"},         {kRaw, "RAW"},
    {104, "C_HDLC"},        {105, "IEEE802_11"},       {107, "FRELAY"},
    {kLoop, "LOOP"},        {kCooked, "LINUX_SLL"},    {127, "IEEE802_11_RADIOTAP"},
    {140, "MTP2"},          {141, "MTP3"},             {142, "SCCP"},
    {147, "USER0"},         {187, "BLUETOOTH_HCI_H4"}, {189, "USB_LINUX"},
    {192, "PPI"},           {195, "IEEE802_15_4"},     {201, "BLUETOOTH_HCI_H4_WITH_PHDR"},
    {220, "USB_LINUX_MMAPPED"}, {227, "CAN_SOCKETCAN"}, {kIpv4, "IPV4"},
    {kIpv6, "IPV6"},        {239, "NFLOG"},            {248, "SCTP"},
    {249, "USBPCAP"},       {252, "WIRESHARK_UPPER_PDU"}, {253, "NETLINK"},
    {kCooked2, "LINUX_SLL2"},
};

// Steps over VLAN tags behind `at`, where `type` tells what follows.
Network behind_tags(const Bytes& bytes, size_t at, u16 type) {
  for (int tags = 0; tags < kMaxTags && (type == 0x8100 || type == 0x88a8 || type == 0x9100); tags++) {
    if (at + 4 > bytes.size) return {};
    type = be16(bytes.data + at + 2);
    at += 4;
  }
  return {at, type};
}

// By the version that the packet says.
Network read_raw(const Bytes& bytes, size_t at) {
  if (at >= bytes.size) return {};
  int version = bytes.data[at] >> 4;
  return {at, version == 4 ? kIpv4Type : version == 6 ? kIpv6Type : u16{0}};
}

// The address family of BSD's loopback, in the byte order of whoever captured (NULL) or of the network (LOOP).
// IPv6 has a number of its own on each of the systems.
Network read_family(const Bytes& bytes) {
  if (bytes.size < 4) return {};
  u32 family = be32(bytes.data);
  if (family > 0xffff) family = __builtin_bswap32(family);
  bool v6 = family == 24 || family == 28 || family == 30 || family == 10;
  return {4, family == 2 ? kIpv4Type : v6 ? kIpv6Type : u16{0}};
}

}  // namespace

std::string_view link_name(u32 link) {
  for (const Name& one : kNames)
    if (one.link == link) return one.name;
  return {};
}

bool is_known_link(u32 link) {
  switch (link) {
    case kNull:
    case kEthernet:
    case kRawBsd:
    case kRawOpenBsd:
    case kRaw:
    case kLoop:
    case kCooked:
    case kIpv4:
    case kIpv6:
    case kCooked2:
      return true;
    default:
      return false;
  }
}

Network read_ethernet(const Bytes& bytes, size_t at) {
  if (at + 14 > bytes.size) return {};
  return behind_tags(bytes, at + 14, be16(bytes.data + at + 12));
}

Network read_link(u32 link, const Bytes& bytes) {
  switch (link) {
    case kEthernet:
      return read_ethernet(bytes, 0);
    case kNull:
    case kLoop:
      return read_family(bytes);
    case kCooked:
      if (bytes.size < kCookedHeader) return {};
      return behind_tags(bytes, kCookedHeader, be16(bytes.data + 14));
    case kCooked2:
      if (bytes.size < kCooked2Header) return {};
      return behind_tags(bytes, kCooked2Header, be16(bytes.data));
    case kIpv4:
    case kIpv6:
    case kRaw:
    case kRawBsd:
    case kRawOpenBsd:
      return read_raw(bytes, 0);
    default:
      return {};
  }
}

}  // namespace clover
