#include "sql_summary.h"

#include <algorithm>
#include <utility>

namespace clover::sql {
namespace {

constexpr size_t kMaxDepth = 64;

template <size_t n>
bool one_of(const Token& token, const std::string_view (&words)[n]) {
  return std::any_of(words, words + n, [&](std::string_view word) { return token.is_word(word); });
}

constexpr std::string_view kData[] = {"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"};
constexpr std::string_view kSchema[] = {"CREATE", "ALTER", "DROP"};
// These name a person, not a thing.
constexpr std::string_view kAccounts[] = {"USER", "ROLE", "GROUP"};
constexpr std::string_view kThings[] = {"TABLE",     "INDEX",       "VIEW",        "DATABASE", "SCHEMA",
                                        "SEQUENCE",  "FUNCTION",    "PROCEDURE",   "TRIGGER",  "TYPE",
                                        "EXTENSION", "EVENT",       "TABLESPACE",  "DOMAIN",   "POLICY",
                                        "SERVER",    "PUBLICATION", "SUBSCRIPTION"};
// Between an operation and its target.
constexpr std::string_view kBetween[] = {
    "INTO",   "FROM",    "IGNORE", "ONLY",    "IF",           "NOT",           "EXISTS",       "TABLE",
    "TABLES", "LATERAL", "QUICK",  "DELAYED", "LOW_PRIORITY", "HIGH_PRIORITY", "CONCURRENTLY", "ALL"};
// They have a target right behind them. What others name is theirs.
constexpr std::string_view kDirect[] = {"CALL", "COPY", "TRUNCATE", "LOCK", "HANDLER"};
constexpr std::string_view kListEnds[] = {"WHERE",  "GROUP",     "ORDER",  "LIMIT",     "SET",    "ON",
                                          "USING",  "HAVING",    "WINDOW", "FETCH",     "OFFSET", "UNION",
                                          "EXCEPT", "INTERSECT", "VALUES", "RETURNING", "FOR"};
// Before a word that is an operation elsewhere.
constexpr std::string_view kOpens[] = {"EXPLAIN", "ANALYZE", "VERBOSE", "AS"};

class Summary {
 public:
  std::string of(const std::vector<Token>& tokens) {
    for (at_ = 0; at_ < tokens.size();) at_ += step(tokens);
    return std::move(text_);
  }

 private:
  // What is open at a depth of parentheses.
  struct Level {
    bool from_due = false;  // a SELECT or DELETE has not come to its FROM
    bool list = false;      // of tables
  };

  Level& level() { return levels_[std::min(depth_, kMaxDepth - 1)]; }

  void add(std::string_view word) {
    if (full_ || text_.size() + word.size() + 1 > kMaxSummary) {
      full_ = true;
      return;
    }
    if (!text_.empty()) text_.push_back(' ');
    text_.append(word);
  }

  // Returns how many tokens were read.
  size_t step(const std::vector<Token>& tokens) {
    const Token& token = tokens[at_];
    static const Token kNone;
    const Token& before = at_ > 0 ? tokens[at_ - 1] : kNone;
    if (token.is('(')) {
      depth_++;
      level() = {};
      target_due_ = false;
      return 1;
    }
    if (token.is(')')) {
      if (depth_ > 0) depth_--;
      target_due_ = false;
      return 1;
    }
    if (token.is(',')) {
      target_due_ = level().list;
      return 1;
    }
    if (token.kind != Kind::word && token.kind != Kind::quoted) {
      target_due_ = false;
      return 1;
    }
    if (target_due_ && !one_of(token, kBetween) && !token.is_word("SELECT")) return target(tokens);
    if (token.kind == Kind::word) keyword(token, before);
    return 1;
  }

  void keyword(const Token& token, const Token& before) {
    bool starts = at_ == 0 || before.is('(') || before.is(')') || one_of(before, kOpens);
    if (token.is_word("SELECT")) {
      add(token.text);
      level() = {true, false};
      target_due_ = false;
    } else if (starts && one_of(token, kData)) {
      add(token.text);
      level() = {false, false};
      target_due_ = true;
    } else if (at_ == 0) {
      first(token);
    } else if (token.is_word("FROM")) {
      if (before.is_word("DISTINCT") || !std::exchange(level().from_due, false)) return;
      level().list = target_due_ = true;
    } else if (token.is_word("JOIN") || (loads_ && token.is_word("INTO"))) {
      target_due_ = true;
    } else if (one_of(token, kListEnds)) {
      level().list = false;
    } else if (thing_due_) {
      bool account = one_of(token, kAccounts);
      if (!account && !one_of(token, kThings)) return;
      text_.append(" ").append(token.text);
      thing_due_ = false;
      target_due_ = !account;
    }
  }

  void first(const Token& token) {
    if (token.is_word("WITH")) return;
    add(token.text);
    thing_due_ = one_of(token, kSchema);
    target_due_ = one_of(token, kDirect);
    loads_ = token.is_word("LOAD");
  }

  // A name with what qualifies it.
  size_t target(const std::vector<Token>& tokens) {
    size_t end = at_ + 1;
    while (end + 1 < tokens.size() && tokens[end].is('.') &&
           (tokens[end + 1].kind == Kind::word || tokens[end + 1].kind == Kind::quoted))
      end += 2;
    // In a FROM it is a function where parentheses follow.
    bool function = level().list && end < tokens.size() && tokens[end].is('(');
    std::string name;
    for (size_t i = at_; i < end; i++) name.append(tokens[i].text);
    if (!function) add(name);
    target_due_ = false;
    return end - at_;
  }

  std::string text_;
  Level levels_[kMaxDepth];
  size_t depth_ = 0, at_ = 0;
  bool target_due_ = false, thing_due_ = false, loads_ = false, full_ = false;
};

}  // namespace

std::string summarise(const std::vector<Token>& statement) { return Summary().of(statement); }

}  // namespace clover::sql
