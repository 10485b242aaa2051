// The protocols that are told apart, in alphabetical order. docs/adding-a-protocol.md says how one is added.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "../parser.h"

namespace clover {

inline constexpr size_t kProtocolCount = 9;
extern const std::array<Protocol, kProtocolCount> kProtocols;

// Null where none has the name.
const Protocol* protocol_named(std::string_view name);

// A bit for each of them that has such a name; all where none is given.
u32 protocols_named(const std::vector<std::string>& names);

}  // namespace clover
