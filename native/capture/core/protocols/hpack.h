// HPACK (RFC 7541) for a reader that may come late and may miss a part.
//
// Index 61 + d is the d-th newest insertion, whatever the table's size: eviction takes the oldest entries, and an entry that is
// too large empties the table, so that no valid index ever counts past one. What was inserted since we read is therefore known
// exactly, without knowing the size of the table; what an index reaches behind it is unknown, and said to be.
#pragma once

#include <bitset>
#include <vector>

#include "../selection.h"
#include "../state.h"
#include "hpack_fields.h"

namespace clover {

// Values of one header block (or of several, until clear()).
struct Fields {
  // The first of each name counts.
  std::array<std::string, kFieldCount> values;
  std::bitset<kFieldCount> present;
  u32 count = 0;
  u32 unknown = 0;       // fields of which the name is not known
  bool cut = false;      // a part of the block is missing
  const HeaderNames* wanted = nullptr;  // to be kept beside
  KeptFields kept;
  bool forgotten = false;  // one of them was told by an entry from before it was wanted

  void clear();
  bool has(Field field) const { return present[static_cast<size_t>(field)]; }
  std::string_view operator[](Field field) const {
    return has(field) ? std::string_view(values[static_cast<size_t>(field)]) : std::string_view();
  }
  bool has_pseudo() const;
  // Whether what is not there was not sent.
  bool complete() const { return unknown == 0 && !cut; }
};

// The decoder of one end's header blocks.
class Hpack {
 public:
  // Reads one block, `cut` where its end is missing. False where it is none: nothing that follows can be read then.
  bool decode(std::string_view block, bool cut, Fields& out);
  // Blocks were missed: what was inserted so far cannot be told from what was inserted in them.
  void forget();
  // Lets go of the oldest entries until no more than `bytes` are left; they become unknown.
  void shed(size_t bytes) { evict(bytes); }
  // Bytes of the table by RFC 7541 §4.1; the names of entries that were given by an index are not counted.
  size_t size() const { return size_; }
  void hand_over(State& state);

 private:
  enum class Got : u8 { value, short_of, bad };

  // An insertion.
  struct Entry {
    Field field;
    u32 size;
    bool kept;          // with its value, as it is read or was wanted
    std::string name, value;
  };

  Got take_field(std::string_view& rest, Fields& out);
  Got literal(std::string_view& rest, u32 index, bool inserts, Fields& out);
  Got indexed(u32 index, Fields& out);
  bool may_exist(u32 index) const;
  const Entry* entry(u32 index) const;
  void insert(Entry entry);
  void evict(size_t limit);
  static Got take_integer(std::string_view& rest, u8 bits, u32& out);
  static Got take_string(std::string_view& rest, std::string& scratch, std::string_view& out);

  std::vector<Entry> entries_;  // newest last; those before head_ are gone
  size_t head_ = 0;
  size_t size_ = 0;
  size_t limit_ = 4096;  // RFC 9113 §6.5.2
  u64 inserted_ = 0;    // since the beginning, or since the last forget()
  bool whole_ = true;   // every insertion was seen
};

}  // namespace clover
