#include "hpack.h"

#include <algorithm>

#include "hpack_huffman.h"

namespace clover {
namespace {

// Tables may be larger; we keep this much of the newest of them.
constexpr size_t kMaxTable = 64 * 1024;
constexpr size_t kEntryCost = 32;  // RFC 7541 §4.1
constexpr size_t kMaxName = 128;   // no Tap names a longer one, and entries that share one each have a copy
constexpr size_t kMaxText = 1024;  // a string that was longer gives its memory back

// Memory that every decoder of a thread uses in turn.
struct Scratch {
  std::string name, value;
};

Scratch& scratch() {
  static thread_local Scratch one;
  return one;
}

void note(Fields& out, Field field, std::string_view name, std::string_view value) {
  out.count++;
  if (out.wanted != nullptr && !name.empty()) keep_field(*out.wanted, name, value, out.kept);
  if (field == Field::unknown) out.unknown++;
  if (field >= Field::other || out.has(field)) return;
  out.values[static_cast<size_t>(field)].assign(value);
  out.present.set(static_cast<size_t>(field));
}

}  // namespace

void Fields::clear() {
  for (std::string& value : values)
    if (value.capacity() > kMaxText) std::string().swap(value);
  present.reset();
  wanted = nullptr;
  kept.clear();
  forgotten = false;
  count = unknown = 0;
  cut = false;
}

bool Fields::has_pseudo() const {
  for (size_t i = 0; is_pseudo(static_cast<Field>(i)); i++)
    if (present[i]) return true;
  return false;
}

// An integer with a prefix of `bits` (RFC 7541 §5.1).
Hpack::Got Hpack::take_integer(std::string_view& rest, u8 bits, u32& out) {
  if (rest.empty()) return Got::short_of;
  u32 mask = (1u << bits) - 1;
  u64 value = static_cast<u8>(rest[0]) & mask;
  size_t at = 1;
  if (value == mask) {
    for (u8 shift = 0;; shift = static_cast<u8>(shift + 7)) {
      if (at == rest.size()) return Got::short_of;
      u8 byte = static_cast<u8>(rest[at++]);
      value += static_cast<u64>(byte & 0x7f) << shift;
      if (value > UINT32_MAX) return Got::bad;
      if (!(byte & 0x80)) break;
      if (shift == 28) return Got::bad;
    }
  }
  rest.remove_prefix(at);
  out = static_cast<u32>(value);
  return Got::value;
}

// A string literal (RFC 7541 §5.2); a view of the block or of `scratch`.
Hpack::Got Hpack::take_string(std::string_view& rest, std::string& scratch, std::string_view& out) {
  if (rest.empty()) return Got::short_of;
  bool coded = static_cast<u8>(rest[0]) & 0x80;
  u32 length = 0;
  Got got = take_integer(rest, 7, length);
  if (got != Got::value) return got;
  if (length > rest.size()) return Got::short_of;
  out = rest.substr(0, length);
  rest.remove_prefix(length);
  if (!coded) return Got::value;
  scratch.clear();
  if (!huffman_decode(out, scratch)) return Got::bad;
  out = scratch;
  return Got::value;
}

bool Hpack::decode(std::string_view rest, bool cut, Fields& out) {
  out.cut = out.cut || cut;
  Got got = Got::value;
  while (!rest.empty() && got == Got::value) got = take_field(rest, out);
  // Half a field at a cut is none.
  if (got == Got::bad || (got == Got::short_of && !cut)) return false;
  if (cut) forget();
  return true;
}

Hpack::Got Hpack::take_field(std::string_view& rest, Fields& out) {
  u8 first = static_cast<u8>(rest[0]);
  u32 number = 0;
  if (first & 0x80) {
    Got got = take_integer(rest, 7, number);
    return got == Got::value ? indexed(number, out) : got;
  }
  if ((first & 0xe0) == 0x20) {
    Got got = take_integer(rest, 5, number);
    if (got == Got::value) evict(limit_ = std::min<size_t>(number, kMaxTable));
    return got;
  }
  bool insert = first & 0x40;
  Got got = take_integer(rest, insert ? 6 : 4, number);
  return got == Got::value ? literal(rest, number, insert, out) : got;
}

Hpack::Got Hpack::literal(std::string_view& rest, u32 index, bool inserts, Fields& out) {
  Field field = Field::unknown;
  std::string_view name, value;
  if (index == 0) {
    Got got = take_string(rest, scratch().name, name);
    if (got != Got::value) return got;
    field = field_of(name);
  } else if (index <= kStaticFields) {
    field = static_field(index).field;
    name = static_field(index).name;
  } else if (!may_exist(index)) {
    return Got::bad;
  } else if (const Entry* found = entry(index)) {
    field = found->field;
    name = found->name;
  }
  Got got = take_string(rest, scratch().value, value);
  if (got != Got::value) return got;
  note(out, field, name, value);
  if (!inserts) return Got::value;
  bool kept = field < Field::other || (out.wanted != nullptr && !out.wanted->find(name).empty());
  size_t size = (index == 0 ? name.size() : 0) + value.size() + kEntryCost;
  if (name.size() > kMaxName) name = {};
  insert({field, static_cast<u32>(size), kept, std::string(name), std::string(kept ? value : "")});
  return Got::value;
}

Hpack::Got Hpack::indexed(u32 index, Fields& out) {
  if (index == 0) return Got::bad;
  if (index <= kStaticFields) {
    const StaticField& one = static_field(index);
    note(out, one.field, one.name, one.value);
    return Got::value;
  }
  if (!may_exist(index)) return Got::bad;
  const Entry* found = entry(index);
  if (found == nullptr) {
    note(out, Field::unknown, "", "");
  } else {
    bool wanted = out.wanted != nullptr && !out.wanted->find(found->name).empty();
    out.forgotten = out.forgotten || (wanted && !found->kept);
    note(out, found->field, found->kept ? found->name : "", found->value);
  }
  return Got::value;
}

bool Hpack::may_exist(u32 index) const { return !whole_ || index - kStaticFields <= inserted_; }

const Hpack::Entry* Hpack::entry(u32 index) const {
  size_t age = index - kStaticFields;
  return age <= entries_.size() - head_ ? &entries_[entries_.size() - age] : nullptr;
}

void Hpack::insert(Entry entry) {
  size_ += entry.size;
  entries_.push_back(std::move(entry));
  inserted_++;
  evict(limit_);
}

void Hpack::evict(size_t limit) {
  while (size_ > limit) {
    Entry& oldest = entries_[head_++];
    size_ -= oldest.size;
    std::string().swap(oldest.value);
    std::string().swap(oldest.name);
  }
  if (head_ == entries_.size()) std::vector<Entry>().swap(entries_);
  else if (head_ > 16 && head_ > entries_.size() / 2)
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(head_));
  else return;
  head_ = 0;
}

void Hpack::forget() {
  std::vector<Entry>().swap(entries_);
  head_ = size_ = 0;
  inserted_ = 0;
  whole_ = false;
  // An update of the size may have been missed.
  limit_ = kMaxTable;
}

void Hpack::hand_over(State& state) {
  u64 limit = limit_;
  state.numbers(limit, inserted_);
  state.flag(whole_);
  state.require(limit <= kMaxTable);
  limit_ = static_cast<size_t>(limit);
  size_t count = state.count(entries_.size() - head_);
  if (state.reads()) entries_.resize(count);
  for (size_t i = head_; i < entries_.size() && state.ok(); i++) {
    Entry& entry = entries_[i];
    state.choice(entry.field, Field::unknown);
    state.number(entry.size);
    state.flag(entry.kept);
    state.text(entry.name);
    state.text(entry.value);
    state.require(entry.name.size() <= kMaxName && entry.size >= kEntryCost + entry.value.size() && entry.size <= kMaxTable);
    if (state.reads()) size_ += entry.size;
  }
  state.require(size_ <= limit_ && inserted_ >= count);
}

}  // namespace clover
