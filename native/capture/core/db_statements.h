// What was prepared on a connection to a database, by name.
#pragma once

#include <map>

#include "conversation.h"
#include "sql.h"

namespace clover::db {

using QueryPointer = std::shared_ptr<const sql::Query>;

// What a successor has to know of a query, or null.
void hand_over(State& state, QueryPointer& query);

// A few hundred names at most, and none where all parsers together keep too much: what goes is not known,
// never wrong.
class Statements {
 public:
  explicit Statements(Conversation& talk) : talk_(talk) {}
  ~Statements() { clear(); }
  Statements(const Statements&) = delete;
  Statements& operator=(const Statements&) = delete;

  void set(std::string_view name, QueryPointer query);
  // Null where it is not known.
  QueryPointer get(std::string_view name) const;
  void erase(std::string_view name);
  void clear();
  void hand_over(State& state);

 private:
  using Names = std::map<std::string, QueryPointer, std::less<>>;

  void erase(Names::iterator at);

  Conversation& talk_;
  Names names_;
};

}  // namespace clover::db
