#include "context.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "attributes.h"
#include "request.h"
#include "selection.h"

namespace clover {
namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr size_t kMaxStates = 512;  // of a tracestate (W3C Trace Context §3.3.1.5)
constexpr size_t kMaxIdentifiers = 8;
constexpr u8 kSampled = 1;

constexpr std::string_view kNames[kTraceFields] = {
    "traceparent",  "tracestate", "b3",  "x-b3-traceid", "x-b3-spanid",
    "x-b3-sampled", "x-b3-flags", "uber-trace-id", "sw8", "x-request-id",
    "3gpp-sbi-correlation-info"};

bool same(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() && std::equal(name.begin(), name.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b;
         });
}

int nibble(char c, bool any_case = false) {
  if (c >= '0' && c <= '9') return c - '0';
  if (any_case && c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Exactly two digits a byte.
bool unhex(std::string_view text, u8* out) {
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = nibble(text[i]), low = nibble(text[i + 1]);
    if (high < 0 || low < 0) return false;
    out[i / 2] = static_cast<u8>(high << 4 | low);
  }
  return true;
}

// A number of up to two digits a byte, aligned to the right.
bool unhex_number(std::string_view text, u8* out, size_t bytes) {
  if (text.empty() || text.size() > 2 * bytes) return false;
  std::fill(out, out + bytes, u8{0});
  size_t digit = 2 * bytes - text.size();
  for (char c : text) {
    int value = nibble(c, true);
    if (value < 0) return false;
    out[digit / 2] = static_cast<u8>(out[digit / 2] | value << (digit % 2 ? 0 : 4));
    digit++;
  }
  return true;
}

bool complete(TraceContext& context) {
  context.valid = context.trace_id != decltype(context.trace_id){} && context.parent_id != decltype(context.parent_id){};
  return context.valid;
}

// Ids as b3 writes them: a trace id of 64 bits has zeros on its left.
TraceContext b3_of(std::string_view trace, std::string_view span, std::optional<bool> sampled) {
  TraceContext context;
  if ((trace.size() != 16 && trace.size() != 32) || span.size() != 16) return context;
  if (!unhex(trace, context.trace_id.data() + 16 - trace.size() / 2)) return context;
  if (!unhex(span, context.parent_id.data())) return context;
  context.flags = sampled.value_or(false) ? kSampled : 0;
  context.decided = sampled.has_value();
  complete(context);
  return context;
}

// Takes the text before the next separator off the front of `rest`.
std::string_view take_part(std::string_view& rest, std::string_view separator) {
  size_t at = rest.find(separator);
  std::string_view part = rest.substr(0, at);
  rest = at == kNone ? std::string_view() : rest.substr(at + separator.size());
  return part;
}

// RFC 4648 §4. Padding may be left out; `out` takes at most its size.
std::optional<std::string_view> unbase64(std::string_view text, char* out, size_t room) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  size_t size = text.size() * 3 / 4;
  if (text.size() % 4 == 1 || size > room) return std::nullopt;
  u32 bits = 0;
  int have = 0;
  char* end = out;
  for (char c : text) {
    int value = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26
                : c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<u32>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    *end++ = static_cast<char>(bits >> have);
  }
  return std::string_view(out, static_cast<size_t>(end - out));
}

template <typename T>
bool read_decimal(std::string_view text, T& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// `uuid` or `uuid.thread.number`, as SkyWalking's agents make ids, with 32 digits and perhaps four dashes. The parts behind the
// uuid are mixed into it byte by byte, the lowest first; so is `extra`.
bool id_of_sw8(std::string_view text, u32 extra, std::array<u8, 16>& out) {
  char digits[32];
  size_t n = 0, at = 0;
  for (; at < text.size() && n < 32; at++) {
    bool dash = text[at] == '-' && (n == 8 || n == 12 || n == 16 || n == 20);
    if (!dash) digits[n++] = text[at] >= 'A' && text[at] <= 'F' ? static_cast<char>(text[at] + 32) : text[at];
  }
  if (n < 32 || !unhex({digits, 32}, out.data())) return false;
  for (size_t i = 0; i < 4; i++) out[i] = static_cast<u8>(out[i] ^ extra >> 8 * i);
  if (at == text.size()) return true;
  std::string_view rest = text.substr(at);
  u64 middle = 0, last = 0;
  size_t dot = rest.rfind('.');
  if (rest[0] != '.' || dot == 0) return false;
  if (!read_decimal(rest.substr(1, dot - 1), middle) || !read_decimal(rest.substr(dot + 1), last)) return false;
  for (size_t i = 0; i < 4; i++) out[4 + i] = static_cast<u8>(out[4 + i] ^ middle >> 8 * i);
  for (size_t i = 0; i < 8; i++) out[8 + i] = static_cast<u8>(out[8 + i] ^ last >> 8 * i);
  return true;
}

}  // namespace

TraceField trace_field_of(std::string_view name) {
  // Almost every field has a length that none of these has.
  constexpr u32 kSizes = 1u << 2 | 1u << 3 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 25;
  if (name.size() > 25 || !(kSizes >> name.size() & 1)) return TraceField::none;
  for (size_t i = 0; i < kTraceFields; i++)
    if (same(name, kNames[i])) return static_cast<TraceField>(i);
  return TraceField::none;
}

bool TraceHeaders::take(std::string_view name, std::string_view value) {
  TraceField field = trace_field_of(name);
  if (field == TraceField::none) return false;
  take(field, value);
  return true;
}

void TraceHeaders::take(TraceField field, std::string_view value) {
  auto index = static_cast<size_t>(field);
  auto bit = static_cast<u16>(1u << index);
  bool again = seen_ & bit;
  seen_ |= bit;
  if (!again) {
    values_[index] = value;
  } else if (field == TraceField::tracestate) {
    if (states_.empty()) states_.assign(values_[index]);
    if (states_.size() < kMaxStates) states_.append(",").append(value.substr(0, kMaxStates));
  } else if (values_[index] != value) {
    torn_ |= bit;
  }
}

std::string_view TraceHeaders::operator[](TraceField field) const {
  auto index = static_cast<size_t>(field);
  return torn_ >> index & 1 ? std::string_view() : values_[index];
}

TraceContext TraceHeaders::context() const {
  constexpr u16 kRequestOnly = 1u << static_cast<int>(TraceField::request_id) |
                               1u << static_cast<int>(TraceField::correlation_info);
  TraceContext context;
  if (!(seen_ & ~kRequestOnly)) return context;
  const TraceHeaders& mine = *this;
  if ((context = parse_traceparent(mine[TraceField::traceparent])).valid) return context;
  if ((context = parse_b3(mine[TraceField::b3])).valid) return context;
  std::string_view sampled = mine[TraceField::b3_sampled];
  std::optional<bool> samples;
  if (sampled == "1" || sampled == "true" || mine[TraceField::b3_flags] == "1") samples = true;
  else if (sampled == "0" || sampled == "false") samples = false;
  context = b3_of(mine[TraceField::b3_trace_id], mine[TraceField::b3_span_id], samples);
  if (context.valid) return context;
  if ((context = parse_uber_trace_id(mine[TraceField::uber_trace_id])).valid) return context;
  return parse_sw8(mine[TraceField::sw8]);
}

void TraceHeaders::apply(Request& request) const {
  request.context = context();
  // A state is the other half of a traceparent, and of nothing else.
  if (!parse_traceparent((*this)[TraceField::traceparent]).valid) return;
  request.tracestate.assign(states_.empty() ? (*this)[TraceField::tracestate] : std::string_view(states_));
}

void TraceHeaders::describe(Request& request, std::string_view prefix, const Selection& selection) const {
  auto put = [&](TraceField field, std::string_view value) {
    if (value.empty()) return;
    std::string_view name = kNames[static_cast<size_t>(field)];
    std::string key(prefix);
    key.append(name);
    Attributes(request.attributes).texts(key, {selection.tells_header(name) ? value.substr(0, kMaxText) : kRedacted});
  };
  constexpr auto kBits = 1u << static_cast<int>(TraceField::request_id) |
                         1u << static_cast<int>(TraceField::correlation_info);
  if (!(seen_ & kBits)) return;
  put(TraceField::request_id, (*this)[TraceField::request_id]);
  put(TraceField::correlation_info, redacted_correlation((*this)[TraceField::correlation_info]));
}

TraceContext parse_traceparent(std::string_view text) {
  TraceContext context;
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return context;
  u8 version = 0;
  if (!unhex(text.substr(0, 2), &version) || version == 0xff) return context;
  if (version == 0 ? text.size() != 55 : text.size() > 55 && text[55] != '-') return context;
  if (!unhex(text.substr(3, 32), context.trace_id.data())) return context;
  if (!unhex(text.substr(36, 16), context.parent_id.data())) return context;
  if (!unhex(text.substr(53, 2), &context.flags)) return context;
  complete(context);
  return context;
}

TraceContext parse_b3(std::string_view text) {
  // One state alone decides on sampling, and belongs to no trace.
  std::string_view trace = take_part(text, "-");
  std::string_view span = take_part(text, "-");
  std::string_view state = take_part(text, "-");
  bool sampled = state == "1" || state == "d";
  u8 parent[8];
  if (!state.empty() && !sampled && state != "0") return {};
  if (!text.empty() && (text.size() != 16 || !unhex(text, parent))) return {};
  return b3_of(trace, span, state.empty() ? std::nullopt : std::optional(sampled));
}

TraceContext parse_uber_trace_id(std::string_view text) {
  TraceContext context;
  std::string_view separator = ":";
  if (text.find(':') == kNone) separator = text.find("%3A") == kNone ? "%3a" : "%3A";
  std::string_view trace = take_part(text, separator), span = take_part(text, separator);
  std::string_view parent = take_part(text, separator);
  u8 flags = 0, parent_id[8];
  if (!unhex_number(trace, context.trace_id.data(), 16) || !unhex_number(span, context.parent_id.data(), 8)) return {};
  // The parent's own parent is not used any more, and may be left out.
  if ((!parent.empty() && !unhex_number(parent, parent_id, 8)) || !unhex_number(text, &flags, 1)) return {};
  context.flags = flags & kSampled;
  complete(context);
  return context;
}

TraceContext parse_sw8(std::string_view text) {
  TraceContext context;
  std::string_view sample = take_part(text, "-"), trace = take_part(text, "-"), segment = take_part(text, "-");
  std::string_view span = take_part(text, "-");
  u32 index = 0;
  if ((sample != "0" && sample != "1") || !read_decimal(span, index)) return context;
  char trace_text[96], segment_text[96];
  auto trace_id = unbase64(trace, trace_text, sizeof(trace_text));
  auto segment_id = unbase64(segment, segment_text, sizeof(segment_text));
  std::array<u8, 16> id;
  if (!trace_id || !segment_id || !id_of_sw8(*trace_id, 0, context.trace_id) || !id_of_sw8(*segment_id, index, id))
    return context;
  for (size_t i = 0; i < 8; i++) context.parent_id[i] = static_cast<u8>(id[i] ^ id[i + 8]);
  context.flags = sample == "1" ? kSampled : 0;
  complete(context);
  return context;
}

std::string redacted_correlation(std::string_view text) {
  // `type-value`, several of them parted by semicolons; spaces may stand around them.
  std::string out;
  for (size_t n = 0; !text.empty() && n < kMaxIdentifiers; n++) {
    std::string_view one = take_part(text, ";");
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
    std::string_view kind = one.substr(0, one.find('-'));
    bool known = !kind.empty() && kind.size() < one.size() && kind.size() <= 16 &&
                 std::all_of(kind.begin(), kind.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (one.empty()) continue;
    if (!out.empty()) out.append("; ");
    if (known) out.append(kind).append("-");
    out.append("REDACTED");
  }
  return out;
}

}  // namespace clover
