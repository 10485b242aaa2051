#include "hpack_huffman.h"

#include <algorithm>
#include <memory>

namespace clover {
namespace {

constexpr size_t kSymbols = 257, kEnd = 256;
constexpr size_t kNodes = 256;  // inner nodes of a full binary tree with 257 leaves

// Bits of the code of each symbol. The code is canonical: the lengths say all.
constexpr u8 kLengths[kSymbols] = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
};

// What four bits do in a node. No code is shorter than five bits, so that at most one symbol ends within them.
struct Step {
  u8 next = 0;
  u8 symbol = 0;
  bool emits = false;
  bool fails = false;  // the end symbol, which must not occur
};

struct Machine {
  std::array<std::array<Step, 16>, kNodes> steps;
  // Nodes on the way to the end symbol at a depth below eight: all that padding may leave open.
  std::array<bool, kNodes> accepts{};
};

// Inner nodes have positive numbers, leaves are ~symbol.
using Tree = std::array<std::array<int, 2>, kNodes>;

Tree build_tree() {
  std::array<u16, kSymbols> order{};
  for (size_t i = 0; i < kSymbols; i++) order[i] = static_cast<u16>(i);
  std::stable_sort(order.begin(), order.end(), [](u16 a, u16 b) { return kLengths[a] < kLengths[b]; });
  Tree tree{};
  int nodes = 1;
  u32 code = 0;
  u8 length = kLengths[order[0]];
  for (size_t i = 0; i < kSymbols; i++) {
    u16 symbol = order[i];
    if (i > 0) code = (code + 1) << (kLengths[symbol] - length);
    length = kLengths[symbol];
    size_t at = 0;
    for (int bit = length - 1; bit > 0; bit--) {
      int& next = tree[at][code >> bit & 1];
      if (next == 0) next = nodes++;
      at = static_cast<size_t>(next);
    }
    tree[at][code & 1] = ~static_cast<int>(symbol);
  }
  return tree;
}

std::unique_ptr<const Machine> build_machine() {
  auto machine = std::make_unique<Machine>();
  const Tree tree = build_tree();
  for (size_t node = 0; node < kNodes; node++)
    for (u32 bits = 0; bits < 16; bits++) {
      Step& step = machine->steps[node][bits];
      int at = static_cast<int>(node);
      for (int bit = 3; bit >= 0 && !step.fails; bit--) {
        at = tree[static_cast<size_t>(at)][bits >> bit & 1];
        if (at >= 0) continue;
        step.fails = ~at == static_cast<int>(kEnd);
        step.emits = !step.fails;
        step.symbol = static_cast<u8>(~at);
        at = 0;
      }
      step.next = static_cast<u8>(at);
    }
  // The end symbol is all ones.
  int at = 0;
  for (int depth = 0; depth < 8; depth++) {
    machine->accepts[static_cast<size_t>(at)] = true;
    at = tree[static_cast<size_t>(at)][1];
  }
  return machine;
}

}  // namespace

bool huffman_decode(std::string_view bytes, std::string& out) {
  static const std::unique_ptr<const Machine> machine = build_machine();
  size_t base = out.size();
  // Five bits a symbol at least.
  out.resize(base + bytes.size() * 8 / 5 + 1);
  char* to = out.data() + base;
  u8 node = 0;
  for (char c : bytes) {
    u8 byte = static_cast<u8>(c);
    for (u8 bits : {static_cast<u8>(byte >> 4), static_cast<u8>(byte & 15)}) {
      const Step& step = machine->steps[node][bits];
      if (step.fails) return false;
      if (step.emits) *to++ = static_cast<char>(step.symbol);
      node = step.next;
    }
  }
  out.resize(static_cast<size_t>(to - out.data()));
  return machine->accepts[node];
}

}  // namespace clover
