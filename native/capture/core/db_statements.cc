#include "db_statements.h"

namespace clover::db {
namespace {

constexpr size_t kMaxNames = 512, kMaxName = 256;
constexpr i64 kCost = 256;  // of an entry, apart from its texts

i64 cost_of(std::string_view name, const QueryPointer& query) {
  size_t texts = query == nullptr ? 0 : query->text.size() + query->summary.size();
  return static_cast<i64>(name.size() + texts) + kCost;
}

}  // namespace

void hand_over(State& state, QueryPointer& query) {
  bool there = query != nullptr;
  state.flag(there);
  if (!there || !state.ok()) return;
  sql::Query copy;
  if (!state.reads()) copy = *query;
  u64 statements = copy.statements;
  for (std::string* text : {&copy.text, &copy.summary, &copy.traceparent, &copy.database}) state.text(*text);
  state.number(statements);
  copy.statements = static_cast<size_t>(statements);
  if (state.reads() && state.ok()) query = std::make_shared<sql::Query>(std::move(copy));
}

void Statements::hand_over(State& state) {
  size_t count = state.count(names_.size());
  state.require(count <= kMaxNames);
  if (!state.reads()) {
    for (auto& [name, query] : names_) {
      std::string written = name;
      state.text(written);
      db::hand_over(state, query);
    }
    return;
  }
  for (size_t i = 0; i < count && state.ok(); i++) {
    std::string name;
    QueryPointer query;
    state.text(name);
    db::hand_over(state, query);
    if (state.ok()) set(name, std::move(query));
  }
}

void Statements::set(std::string_view name, QueryPointer query) {
  erase(name);
  if (name.size() > kMaxName || query == nullptr) return;
  if (talk_.scarce()) return clear();
  if (names_.size() >= kMaxNames) erase(names_.begin());
  talk_.keep(cost_of(name, query));
  names_.emplace(name, std::move(query));
}

QueryPointer Statements::get(std::string_view name) const {
  auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

void Statements::erase(std::string_view name) {
  auto found = names_.find(name);
  if (found != names_.end()) erase(found);
}

void Statements::erase(Names::iterator at) {
  talk_.keep(-cost_of(at->first, at->second));
  names_.erase(at);
}

void Statements::clear() {
  while (!names_.empty()) erase(names_.begin());
}

}  // namespace clover::db
