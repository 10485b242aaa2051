#include "recogniser.h"

namespace clover {
namespace {

constexpr size_t kMaxSeen = 4096;  // of each end

}  // namespace

bool Recogniser::look(std::string_view bytes, Side from, const Protocol* hint) {
  std::string& seen = seen_[static_cast<size_t>(from)];
  // The common case keeps nothing: the first segment decides.
  if (!seen.empty()) bytes = seen.append(bytes.substr(0, kMaxSeen - seen.size()));
  std::string_view all = bytes;
  if (from == Side::client) {
    ProxyHeader header;
    Verdict proxied = read_proxy_header(bytes, header);
    if (proxied == Verdict::yes) proxy_header_ = header, bytes.remove_prefix(header.size);
    if (proxied == Verdict::maybe || (proxied == Verdict::yes && bytes.empty())) return wait_for_more(seen, all);
  }
  size_t left = 0;
  const Protocol* last = nullptr;
  for (size_t i = 0; i < kProtocolCount; i++) {
    if (!(candidates_ >> i & 1)) continue;
    const Protocol& one = kProtocols[i];
    Verdict verdict = !one.streams ? Verdict::no : one.detect(bytes, from, Where::start);
    if (verdict == Verdict::yes) {
      protocol_ = &one;
      return true;
    }
    if (verdict == Verdict::no) {
      candidates_ &= ~(1u << i);
      continue;
    }
    left++;
    last = &one;
  }
  Verdict hinted = hint == nullptr ? Verdict::no : hint->detect(bytes, from, Where::hinted);
  if (hinted == Verdict::yes) {
    protocol_ = hint;
    return true;
  }
  bool candidate = hint != nullptr && candidates_ >> (hint - kProtocols.data()) & 1;
  if (hinted == Verdict::maybe && !candidate) {
    left++;
    last = hint;
  }
  if (left == 0) return true;
  // Its parser finds out whether it is; one that is only skipped has to be sure.
  if (left == 1 && last->parser != nullptr) {
    protocol_ = last;
    return true;
  }
  return wait_for_more(seen, all);
}

// True where it has waited for too many.
bool Recogniser::wait_for_more(std::string& seen, std::string_view all) {
  if (all.size() >= kMaxSeen) return true;
  if (seen.empty()) seen.assign(all);
  return false;
}

const Protocol* recognise_message(std::string_view bytes, Side from) {
  for (const Protocol& one : kProtocols)
    if (one.streams && one.detect(bytes, from, Where::middle) == Verdict::yes) return &one;
  return nullptr;
}

}  // namespace clover
