#include "dns_span.h"

#include <algorithm>

#include "../attributes.h"

namespace clover::dns {
namespace {

constexpr size_t kMaxNameText = 4 * kMaxName;  // each byte escaped
constexpr u16 kInternet = 1, kServerFailure = 2, kNotImplemented = 4;

// Zones below which names are numbers of telephones, digit by digit (RFC 6116, GSMA IR.67).
constexpr std::string_view kNumbers[] = {"e164.arpa", "e164enum.net"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool lies_below(std::string_view name, std::string_view zone) {
  if (name.size() <= zone.size() || name[name.size() - zone.size() - 1] != '.') return false;
  std::string_view end = name.substr(name.size() - zone.size());
  return std::equal(end.begin(), end.end(), zone.begin(), [](char a, char b) { return lower(a) == b; });
}

std::string redacted(std::string_view name) {
  std::string_view bare = name.substr(0, name.size() - (!name.empty() && name.back() == '.'));
  for (std::string_view zone : kNumbers)
    if (lies_below(bare, zone)) return "REDACTED." + std::string(zone);
  return std::string(name);
}

}  // namespace

void describe_query(Request& request, const Message& query, const Conversation& talk) {
  Attributes out(request.attributes);
  std::string type = type_name(query.type);
  std::string_view opcode = opcode_name(query.opcode);
  request.name.assign("DNS ").append(query.opcode == kQuery ? std::string_view(type) : opcode);
  out.text("network.protocol.name", "dns");
  out.text("network.transport", talk.key().datagram ? "udp" : "tcp");
  out.text("dns.op_code", opcode);
  if (query.questions == 0) return;
  out.text("dns.question.name", redacted(query.name), kMaxNameText);
  out.text("dns.question.type", type);
  if ((query.klass & 0x7fff) != kInternet) out.text("dns.question.class", class_name(query.klass));
  if (query.questions > 1) out.number("clover.dns.questions", query.questions);
}

void describe_answer(Request& request, const Outcome& outcome, u16 rcode) {
  Attributes out(request.attributes);
  if (outcome.retransmissions > 0) out.number("clover.dns.retransmissions", outcome.retransmissions);
  if (outcome.messages == 0) return;
  std::string code = rcode_name(rcode);
  request.status = rcode;
  out.text("dns.response_code", code);
  out.number("clover.dns.answer_count", outcome.answers);
  if (!outcome.addresses.empty())
    out.texts("dns.answers", {outcome.addresses.begin(), outcome.addresses.end()});
  if (outcome.messages > 1) out.number("clover.dns.messages", outcome.messages);
  if (outcome.truncated) out.flag("clover.dns.truncated");
  // A server has failed where it could not answer; that there is no such name is an answer.
  bool failed = request.server ? rcode == kServerFailure || rcode == kNotImplemented : rcode != 0;
  if (failed) request.error_type = code;
}

}  // namespace clover::dns
