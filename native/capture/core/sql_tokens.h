// Cuts an SQL text into tokens, in the dialects of MySQL and PostgreSQL.
#pragma once

#include "sql.h"

namespace clover::sql {

enum class Kind : u8 {
  word,       // a keyword or a plain name
  quoted,     // a name in quotes
  literal,    // a value: never told
  parameter,  // stands for one
  sign,       // anything else
  end,
};

struct Token {
  Kind kind = Kind::end;
  bool spaced = false;  // something stood between it and the token before
  std::string_view text;

  bool is(char c) const { return kind == Kind::sign && text.size() == 1 && text[0] == c; }
  // Whether it is this keyword, given in capital letters.
  bool is_word(std::string_view upper) const;
};

class Tokens {
 public:
  Tokens(std::string_view text, const Syntax& syntax, bool cut) : text_(text), syntax_(syntax), cut_(cut) {}
  Token next();
  // The text could be read in two ways, and was read no further.
  bool doubtful() const { return doubtful_; }
  std::string_view traceparent() const { return traceparent_; }

 private:
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  Token take(Kind kind, size_t end);
  bool skip_blank();
  void note(std::string_view comment);
  size_t quoted_end(size_t from, char quote, Escapes escapes);
  size_t dollar_end() const;
  size_t number_end() const;
  size_t word_end(size_t from) const;
  Token word();
  Token literal(size_t quote_at, Escapes escapes);

  std::string_view text_;
  Syntax syntax_;
  bool cut_;
  bool doubtful_ = false;
  bool within_ = false;  // of a comment that the server executes
  size_t pos_ = 0;
  std::string_view traceparent_;
};

}  // namespace clover::sql
