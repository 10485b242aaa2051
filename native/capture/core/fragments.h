// Fragments of IP packets (RFC 791, RFC 8200 §4.5) put together, in bounded memory and time.
#pragma once

#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "packet.h"

namespace clover {

// One fragment: where it lies in the payload of its packet.
struct Fragment {
  Address source{};
  Address destination{};
  u32 id = 0;
  u8 protocol = 0;
  bool v6 = false;
  bool more = false;
  u32 offset = 0;
  Bytes payload;
};

// Packets of which fragments came. A packet with fragments that overlap is refused (RFC 5722); one that comes
// twice, as captures of several interfaces have it, is the same packet.
class Fragments {
 public:
  // The whole payload where this was the last that was missing; its bytes stay until the next call. `size` 0: not yet.
  Bytes add(const Fragment& fragment, u64 time_ns);
  // Gives up what is not whole.
  void clear();

  // Fragments and their bytes that came to nothing, since they were taken last.
  struct Losses {
    u64 parts = 0;
    u64 incomplete = 0, overlap = 0, cut = 0, duplicate = 0;  // bytes
  };
  Losses take_losses() { return std::exchange(losses_, {}); }

 private:
  struct Key {
    Address source, destination;
    u32 id;
    u8 protocol;
    bool v6;
    bool operator==(const Key& o) const {
      return id == o.id && protocol == o.protocol && v6 == o.v6 && source == o.source && destination == o.destination;
    }
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  struct Part {
    u32 offset;
    std::vector<u8> bytes;
  };
  enum class State : u8 { open, whole, refused };
  struct Datagram {
    std::vector<Part> parts;  // by offset
    u64 since_ns = 0;
    u64 serial = 0;
    size_t size = 0;    // of its parts
    u32 end = 0;        // once the last fragment has come
    State state = State::open;
  };
  struct Turn {
    Key key;
    u64 serial;
  };
  using Table = std::unordered_map<Key, Datagram, KeyHash>;

  bool insert(Datagram& datagram, const Fragment& fragment);
  void refuse(Datagram& datagram, u64& cause, size_t more);
  void forget(Table::iterator at);
  void expire(u64 now_ns);

  Table table_;
  std::deque<Turn> turns_;  // oldest first
  std::vector<u8> whole_;
  size_t held_ = 0;
  u64 serial_ = 0;
  Losses losses_;
};

}  // namespace clover
