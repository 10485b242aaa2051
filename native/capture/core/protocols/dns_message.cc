#include "dns_message.h"

#include <arpa/inet.h>

namespace clover::dns {
namespace {

constexpr size_t kHeader = 12, kNone = SIZE_MAX;
constexpr u8 kLongestLabel = 63, kPointer = 0xc0;
constexpr u16 kMaxQuestions = 16;  // nobody sends more than one; multicast does
constexpr u16 kInternet = 1, kUnicast = 0x8000;  // the class's upper bit, RFC 6762 §5.4

u8 at(std::string_view bytes, size_t i) { return static_cast<u8>(bytes[i]); }
u16 be16(std::string_view bytes, size_t i) { return static_cast<u16>(at(bytes, i) << 8 | at(bytes, i + 1)); }
u32 be32(std::string_view bytes, size_t i) { return u32{be16(bytes, i)} << 16 | be16(bytes, i + 2); }

u8 lower(u8 c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

// One label as RFC 1035 §5.1 writes it.
void write_label(std::string_view label, std::string& out) {
  for (char c : label) {
    u8 byte = static_cast<u8>(c);
    if (byte <= 0x20 || byte >= 0x7f) {
      const char digits[] = {'\\', static_cast<char>('0' + byte / 100),
                             static_cast<char>('0' + byte / 10 % 10), static_cast<char>('0' + byte % 10)};
      out.append(digits, sizeof(digits));
      continue;
    }
    if (std::string_view("\"$().;@\\").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
}

// Where the name at `from` ends, or kNone. Appends its text and mixes its letters, where they are wanted.
size_t read_name(std::string_view bytes, size_t from, std::string* text, u64* mark) {
  size_t cursor = from, end = kNone, length = 1, lowest = from;
  while (cursor < bytes.size()) {
    u8 size = at(bytes, cursor);
    if (size >= kPointer) {
      if (cursor + 2 > bytes.size()) return kNone;
      size_t target = be16(bytes, cursor) & 0x3fff;
      if (end == kNone) end = cursor + 2;
      // It points back to a prior name: each lower than the one before ends every loop.
      if (target >= lowest || target < kHeader) return kNone;
      cursor = lowest = target;
      continue;
    }
    if (size > kLongestLabel) return kNone;
    if (size == 0) {
      if (text != nullptr && text->empty()) text->push_back('.');
      if (mark != nullptr) *mark = mix(*mark);
      return end == kNone ? cursor + 1 : end;
    }
    length += size + 1u;
    if (length > kMaxName || cursor + 1 + size > bytes.size()) return kNone;
    std::string_view label = bytes.substr(cursor + 1, size);
    if (text != nullptr) {
      if (!text->empty()) text->push_back('.');
      write_label(label, *text);
    }
    if (mark != nullptr) {
      *mark = mix(*mark ^ size);
      for (char c : label) *mark = (*mark ^ lower(static_cast<u8>(c))) * 0x100000001b3ULL;
    }
    cursor += size + 1u;
  }
  return kNone;
}

// NetBIOS (RFC 1002) has the same form: its names are 32 letters from A to P.
bool is_netbios(std::string_view bytes) {
  if (bytes.size() < kHeader + 1 + 32 || at(bytes, kHeader) != 32) return false;
  for (char c : bytes.substr(kHeader + 1, 32))
    if (c < 'A' || c > 'P') return false;
  return true;
}

bool is_known_opcode(u8 opcode) { return opcode <= kStateful && opcode != 3; }

bool is_known_class(u16 klass) {
  klass &= static_cast<u16>(~kUnicast);
  return klass == kInternet || klass == 3 || klass == 4 || klass == 254 || klass == 255;
}

bool read_header(std::string_view bytes, Message& out) {
  if (bytes.size() < kHeader) return false;
  u8 high = at(bytes, 2), low = at(bytes, 3);
  out.id = be16(bytes, 0);
  out.response = high & 0x80;
  out.opcode = high >> 3 & 15;
  out.authoritative = high & 4;
  out.truncated = high & 2;
  out.rcode = low & 15;
  out.questions = be16(bytes, 4);
  out.answers = be16(bytes, 6);
  out.authorities = be16(bytes, 8);
  out.additions = be16(bytes, 10);
  bool reserved = low & 0x40;
  return is_known_opcode(out.opcode) && !reserved && out.questions <= kMaxQuestions;
}

bool read_questions(std::string_view bytes, Message& out) {
  size_t cursor = kHeader;
  for (u16 i = 0; i < out.questions; i++) {
    cursor = read_name(bytes, cursor, i == 0 ? &out.name : nullptr, &out.fingerprint);
    if (cursor == kNone || cursor + 4 > bytes.size()) return false;
    u16 type = be16(bytes, cursor), klass = be16(bytes, cursor + 2);
    out.fingerprint = mix(out.fingerprint ^ (u32{type} << 16 | klass));
    if (i == 0) {
      out.type = type;
      out.klass = klass;
    }
    cursor += 4;
  }
  out.read = cursor;
  return true;
}

void note_answer(std::string_view bytes, u16 type, u16 klass, size_t data, size_t size, u32 position,
                 Message& out) {
  if (type == kSoa) {
    if (position == 0) out.starts_with_soa = true;
    if (position == 1) out.second_is_soa = true;
    size_t cursor = read_name(bytes, data, nullptr, nullptr);
    if (cursor != kNone) cursor = read_name(bytes, cursor, nullptr, nullptr);
    if (cursor != kNone && cursor + 20 <= data + size) out.serials.push_back(be32(bytes, cursor));
  }
  bool v4 = type == kA && size == 4, v6 = type == kAaaa && size == 16;
  if ((!v4 && !v6) || (klass & 0x7fff) != kInternet || out.addresses.size() >= kMaxAddresses) return;
  char text[INET6_ADDRSTRLEN];
  inet_ntop(v4 ? AF_INET : AF_INET6, bytes.data() + data, text, sizeof(text));
  out.addresses.emplace_back(text);
}

bool read_records(std::string_view bytes, Message& out) {
  u32 count = u32{out.answers} + out.authorities + out.additions;
  for (u32 i = 0; i < count; i++) {
    size_t cursor = read_name(bytes, out.read, nullptr, nullptr);
    if (cursor == kNone || cursor + 10 > bytes.size()) return false;
    u16 type = be16(bytes, cursor), klass = be16(bytes, cursor + 2);
    size_t data = cursor + 10, size = be16(bytes, cursor + 8);
    if (data + size > bytes.size()) return false;
    if (i < out.answers) note_answer(bytes, type, klass, data, size, i, out);
    bool extends = type == kOpt && i >= u32{out.answers} + out.authorities;
    if (extends) out.rcode = static_cast<u16>(at(bytes, cursor + 4) << 4 | (out.rcode & 15));
    out.read = data + size;
  }
  return true;
}

template <size_t N>
std::string named(const std::pair<u16, std::string_view> (&names)[N], u16 value, std::string_view other) {
  for (const auto& [known, name] : names)
    if (known == value) return std::string(name);
  return std::string(other) + std::to_string(value);
}

constexpr std::pair<u16, std::string_view> kTypes[] = {
    {1, "A"},        {2, "NS"},       {5, "CNAME"},   {6, "SOA"},      {10, "NULL"},   {12, "PTR"},
    {13, "HINFO"},   {15, "MX"},      {16, "TXT"},    {17, "RP"},      {18, "AFSDB"},  {24, "SIG"},
    {25, "KEY"},     {28, "AAAA"},    {29, "LOC"},    {33, "SRV"},     {35, "NAPTR"},  {36, "KX"},
    {37, "CERT"},    {39, "DNAME"},   {41, "OPT"},    {42, "APL"},     {43, "DS"},     {44, "SSHFP"},
    {45, "IPSECKEY"}, {46, "RRSIG"},  {47, "NSEC"},   {48, "DNSKEY"},  {49, "DHCID"},  {50, "NSEC3"},
    {51, "NSEC3PARAM"}, {52, "TLSA"}, {53, "SMIMEA"}, {55, "HIP"},     {59, "CDS"},    {60, "CDNSKEY"},
    {61, "OPENPGPKEY"}, {62, "CSYNC"}, {63, "ZONEMD"}, {64, "SVCB"},   {65, "HTTPS"},  {99, "SPF"},
    {108, "EUI48"},  {109, "EUI64"},  {249, "TKEY"},  {250, "TSIG"},   {251, "IXFR"},  {252, "AXFR"},
    {255, "ANY"},    {256, "URI"},    {257, "CAA"}};

constexpr std::pair<u16, std::string_view> kClasses[] = {
    {1, "IN"}, {3, "CH"}, {4, "HS"}, {254, "NONE"}, {255, "ANY"}};

constexpr std::pair<u16, std::string_view> kRcodes[] = {
    {0, "NOERROR"},   {1, "FORMERR"},   {2, "SERVFAIL"},  {3, "NXDOMAIN"},  {4, "NOTIMP"},
    {5, "REFUSED"},   {6, "YXDOMAIN"},  {7, "YXRRSET"},   {8, "NXRRSET"},   {9, "NOTAUTH"},
    {10, "NOTZONE"},  {11, "DSOTYPENI"}, {16, "BADVERS"}, {17, "BADKEY"},   {18, "BADTIME"},
    {19, "BADMODE"},  {20, "BADNAME"},  {21, "BADALG"},   {22, "BADTRUNC"}, {23, "BADCOOKIE"}};

}  // namespace

Message read_message(std::string_view bytes) {
  Message out;
  out.valid = read_header(bytes, out) && read_questions(bytes, out);
  out.whole = out.valid && read_records(bytes, out);
  return out;
}

bool is_header(std::string_view bytes) {
  Message message;
  return read_header(bytes, message);
}

bool may_start(std::string_view bytes, bool response) {
  if (bytes.size() > 2) {
    u8 high = at(bytes, 2);
    if ((high >> 7 != 0) != response || !is_known_opcode(high >> 3 & 15)) return false;
    if (!response && (high & 0x06)) return false;  // authoritative or truncated: none of a query's
  }
  // A query says no error.
  if (bytes.size() > 3 && (at(bytes, 3) & (response ? 0x40 : 0x4f))) return false;
  if (bytes.size() > 5 && (be16(bytes, 4) == 0 || be16(bytes, 4) > kMaxQuestions)) return false;
  bool asks = !response && bytes.size() > 7 && (at(bytes, 2) >> 3 & 15) == kQuery;
  return !asks || be16(bytes, 6) == 0;
}

bool is_message(std::string_view bytes, bool response) {
  if (bytes.size() < kHeader || !may_start(bytes, response) || is_netbios(bytes)) return false;
  Message message = read_message(bytes);
  return message.whole && message.read == bytes.size() && is_known_class(message.klass);
}

std::string type_name(u16 type) { return named(kTypes, type, "TYPE"); }
std::string class_name(u16 klass) { return named(kClasses, klass & 0x7fff, "CLASS"); }
std::string rcode_name(u16 rcode) { return named(kRcodes, rcode, "RCODE"); }

std::string_view opcode_name(u8 opcode) {
  static constexpr std::string_view kNames[] = {"QUERY", "IQUERY", "STATUS", "", "NOTIFY", "UPDATE", "DSO"};
  return is_known_opcode(opcode) ? kNames[opcode] : "";
}

}  // namespace clover::dns
