#include "sql.h"

#include <algorithm>
#include <vector>

#include "sql_summary.h"
#include "sql_tokens.h"

namespace clover::sql {
namespace {

constexpr std::string_view kBatch = "BATCH";
using List = std::vector<Token>;

// Behind a list in parentheses that holds nothing but values, or where it begins if it is none.
size_t values_end(const List& tokens, size_t from) {
  size_t i = from;
  if (i >= tokens.size() || !tokens[i].is('(')) return from;
  do {
    i++;
    // A sign before a number is part of it.
    if (i < tokens.size() && (tokens[i].is('-') || tokens[i].is('+'))) i++;
    if (i >= tokens.size() || tokens[i].kind != Kind::literal) return from;
    i++;
  } while (i < tokens.size() && tokens[i].is(','));
  return i < tokens.size() && tokens[i].is(')') ? i + 1 : from;
}

// How long a list is, of values or of rows of values, is no part of what is asked: it is told as one of each.
std::string text_of(const List& tokens) {
  std::string text;
  for (size_t i = 0; i < tokens.size() && text.size() <= kMaxText;) {
    const Token& token = tokens[i];
    if (token.spaced && !text.empty()) text.push_back(' ');
    size_t end = values_end(tokens, i);
    if (end == i) {
      text.append(token.kind == Kind::literal ? std::string_view("?") : token.text);
      i++;
      continue;
    }
    text.append("(?)");
    i = end;
    while (i < tokens.size() && tokens[i].is(',')) {
      end = values_end(tokens, i + 1);
      if (end == i + 1) break;
      i = end;
    }
  }
  return text.substr(0, kMaxText);
}

// `USE name`, without its quotes.
std::string database_of(const List& tokens) {
  bool use = tokens.size() == 2 && tokens[0].is_word("USE");
  if (!use || (tokens[1].kind != Kind::word && tokens[1].kind != Kind::quoted)) return {};
  std::string_view name = tokens[1].text;
  if (tokens[1].kind == Kind::quoted) name = name.substr(1, name.size() - 2);
  return std::string(name);
}

// Whether statements may follow that are a part of this one.
bool has_body(const List& tokens) {
  constexpr std::string_view kBodies[] = {"PROCEDURE", "FUNCTION", "TRIGGER", "EVENT"};
  if (!tokens[0].is_word("CREATE")) return false;
  return std::any_of(tokens.begin(),
                     tokens.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(tokens.size(), 12)),
                     [&](const Token& token) {
                       return std::any_of(std::begin(kBodies), std::end(kBodies),
                                          [&](std::string_view word) { return token.is_word(word); });
                     });
}

}  // namespace

Query read(std::string_view text, const Syntax& syntax, bool cut) {
  cut = cut || text.size() > kMaxRead;
  Tokens tokens(text.substr(0, kMaxRead), syntax, cut);
  Query query;
  List statement;
  bool same = true;
  std::string all, first;
  auto finish = [&] {
    if (statement.empty()) return;
    std::string said = text_of(statement), summary = summarise(statement);
    if (query.statements == 0) {
      first = said;
      query.summary = summary;
      query.database = database_of(statement);
    } else {
      query.database.clear();
      same = same && said == first;
      if (summary != query.summary) query.summary.clear();
    }
    if (all.size() < kMaxText) all.append(query.statements > 0 ? "; " : "").append(said);
    query.statements++;
    statement.clear();
  };
  for (Token token = tokens.next(); token.kind != Kind::end; token = tokens.next()) {
    bool within = syntax.dialect == Dialect::mysql && !statement.empty() && has_body(statement);
    if (token.is(';') && !within) finish();
    else statement.push_back(token);
  }
  finish();
  if (query.statements > 1) query.summary.insert(0, query.summary.empty() ? kBatch : "BATCH ");
  // Several times the same is told once.
  query.text = same ? first : all.substr(0, kMaxText);
  query.traceparent = tokens.traceparent();
  return query;
}

}  // namespace clover::sql
