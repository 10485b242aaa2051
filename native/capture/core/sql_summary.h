// What a statement does and to what, in a few words.
#pragma once

#include <vector>

#include "sql_tokens.h"

namespace clover::sql {

// `{operation} {target} {operation} {target} …` in the order and the letters of the statement, kMaxSummary
// bytes at most.
std::string summarise(const std::vector<Token>& statement);

}  // namespace clover::sql
