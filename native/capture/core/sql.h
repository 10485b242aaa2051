// What may be said of an SQL text: a summary and the text itself, both without values.
#pragma once

#include "common.h"

namespace clover::sql {

// How much of a text is read; a parser need not keep more. And what is told of it, at most.
inline constexpr size_t kMaxRead = 8192, kMaxText = 2048, kMaxSummary = 255;

enum class Dialect : u8 { mysql, postgresql };
// Whether a backslash escapes a quote in a plain literal: servers can be set either way.
enum class Escapes : u8 { no, yes, unknown };

struct Syntax {
  Dialect dialect = Dialect::postgresql;
  Escapes escapes = Escapes::no;
};

// An SQL text as a span says it (OpenTelemetry semantic conventions, database spans).
struct Query {
  std::string text;     // db.query.text: literals replaced, comments and blanks left out
  std::string summary;  // db.query.summary: operations and their targets
  size_t statements = 0;
  std::string traceparent;  // of an SQL comment (sqlcommenter)
  std::string database;     // of a single `USE database`
};

// Reads a text as far as kMaxRead. `cut`: it goes on behind what is given. Where a text can be read in two
// ways, nothing is
// told from there on: a value never passes for a name.
Query read(std::string_view text, const Syntax& syntax, bool cut);

}  // namespace clover::sql
