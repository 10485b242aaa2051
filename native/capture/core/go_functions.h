// Functions of programs that were made by Go: by the table that its runtime needs, which no stripping takes away.
#pragma once

#include <functional>
#include <vector>

#include "common.h"

namespace clover {

// Calls `take` with name, address and size of each function that `.gopclntab` has (Go 1.18 and later). `text` is the address of the code,
// for tables that do not tell it. Bytes that are no such table give nothing.
void each_go_function(std::string_view table, u64 text, const std::function<void(std::string_view, u64, u64)>& take);

// Where a function goes on, as an offset within its bytes, when its stack is large enough; where it is not, the function begins once more on a
// larger one. Its arguments are still where they were. 0 for one that does not look. `machine` is e_machine of ELF.
u64 body_of(std::string_view code, u16 machine);

// Where a function returns, as offsets within its bytes: a return probe of the kernel's own would break Go's stacks, which move.
// Empty where that cannot be told for sure.
std::vector<u64> returns_of(std::string_view code, u16 machine);

}  // namespace clover
