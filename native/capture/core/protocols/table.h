// The protocols that are told apart, in alphabetical order. docs/adding-a-protocol.md says how one is added.
#pragma once

#include <array>

#include "../parser.h"

namespace clover {

inline constexpr size_t kProtocolCount = 9;
extern const std::array<Protocol, kProtocolCount> kProtocols;

}  // namespace clover
