#include "sql_tokens.h"

#include <algorithm>

namespace clover::sql {
namespace {

constexpr std::string_view kTraceparent = "traceparent='";
constexpr size_t kTraceparentBytes = 55;

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
// What names are made of; a byte of a character beyond ASCII is always part of one.
bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$' ||
         static_cast<u8>(c) >= 0x80;
}
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

}  // namespace

bool Token::is_word(std::string_view keyword) const {
  return kind == Kind::word && text.size() == keyword.size() &&
         std::equal(text.begin(), text.end(), keyword.begin(), [](char a, char b) { return upper(a) == b; });
}

void Tokens::note(std::string_view comment) {
  size_t at = comment.find(kTraceparent);
  if (at != std::string_view::npos && traceparent_.empty())
    traceparent_ = comment.substr(at + kTraceparent.size(), kTraceparentBytes);
}

// Blanks and comments. False where nothing stood here.
bool Tokens::skip_blank() {
  bool mysql = syntax_.dialect == Dialect::mysql;
  size_t begin = pos_;
  while (pos_ < text_.size()) {
    char c = text_[pos_];
    // In MySQL two dashes begin a comment only before a blank.
    bool dashes =
        c == '-' && at(pos_ + 1) == '-' &&
        (!mysql || pos_ + 2 >= text_.size() || is_blank(text_[pos_ + 2]) || text_[pos_ + 2] == '\0');
    if (is_blank(c)) {
      pos_++;
    } else if (dashes || (mysql && c == '#')) {
      size_t end = std::min(text_.find('\n', pos_), text_.size());
      note(text_.substr(pos_, end - pos_));
      pos_ = end;
    } else if (within_ && c == '*' && at(pos_ + 1) == '/') {
      within_ = false;
      pos_ += 2;
    } else if (c == '/' && at(pos_ + 1) == '*') {
      size_t mark = pos_ + 2 + (mysql && at(pos_ + 2) == 'M' && at(pos_ + 3) == '!');
      if (mysql && at(mark) == '!') {
        // A comment with a version (and MariaDB's own) is read by the server as if it were none.
        within_ = true;
        for (pos_ = mark + 1; is_digit(at(pos_));) pos_++;
        continue;
      }
      size_t start = pos_;
      size_t depth = 1;
      for (pos_ += 2; pos_ < text_.size() && depth > 0;) {
        if (text_[pos_] == '*' && at(pos_ + 1) == '/') depth--, pos_ += 2;
        // Those of PostgreSQL nest.
        else if (!mysql && text_[pos_] == '/' && at(pos_ + 1) == '*') depth++, pos_ += 2;
        else pos_++;
      }
      note(text_.substr(start, pos_ - start));
    } else {
      break;
    }
  }
  return pos_ > begin;
}

Token Tokens::take(Kind kind, size_t end) {
  Token token{kind, false, text_.substr(pos_, end - pos_)};
  pos_ = end;
  return token;
}

// Behind the quote that ends what begins with one before `from`; the text's end where none does.
size_t Tokens::quoted_end(size_t from, char quote, Escapes escapes) {
  for (size_t i = from; i < text_.size(); i++) {
    if (text_[i] == '\\' && escapes != Escapes::no) {
      char next = at(i + 1);
      bool quotes = next == '\'' || next == '"' || next == '\\';
      // In some character sets the backslash can be the second half of a character.
      bool unsure = escapes == Escapes::unknown || (i > from && static_cast<u8>(text_[i - 1]) >= 0x80);
      if (quotes && unsure) doubtful_ = true;
      i++;
    } else if (text_[i] == quote) {
      if (at(i + 1) != quote) return i + 1;
      i++;
    }
  }
  return text_.size();
}

// PostgreSQL: $tag$ … $tag$. The position itself where none begins here.
size_t Tokens::dollar_end() const {
  size_t i = pos_ + 1;
  if (is_digit(at(i))) return pos_;
  while (is_name(at(i)) && at(i) != '$') i++;
  if (at(i) != '$') return pos_;
  std::string_view tag = text_.substr(pos_, i + 1 - pos_);
  size_t close = text_.find(tag, i + 1);
  return close == std::string_view::npos ? text_.size() : close + tag.size();
}

size_t Tokens::word_end(size_t from) const {
  while (from < text_.size() && is_name(text_[from])) from++;
  return from;
}

// Any form of a number takes the letters that touch it along: 0x1f, 1e-5, 12_000.
size_t Tokens::number_end() const {
  bool decimal = upper(at(pos_ + 1)) != 'X';
  size_t i = pos_;
  for (; i < text_.size(); i++) {
    bool exponent = decimal && i > pos_ && upper(at(i - 1)) == 'E' && (text_[i] == '-' || text_[i] == '+') &&
                    is_digit(at(i + 1));
    if (!is_name(text_[i]) && text_[i] != '.' && !exponent) break;
  }
  return i;
}

Token Tokens::literal(size_t quote_at, Escapes escapes) {
  size_t end = quoted_end(quote_at + 1, text_[quote_at], escapes);
  return take(Kind::literal, end);
}

Token Tokens::word() {
  size_t end = word_end(pos_);
  bool mysql = syntax_.dialect == Dialect::mysql;
  std::string_view name = text_.substr(pos_, end - pos_);
  char next = at(end);
  // A prefix says how the literal behind it is meant: E'', B'', X'', N'', U&'', _utf8''.
  if (next == '\'' || (mysql && next == '"')) {
    bool prefix = name.size() == 1 || (mysql && name[0] == '_');
    char letter = upper(name[0]);
    if (prefix && !mysql && letter == 'E') return literal(end, Escapes::yes);
    if (prefix) return literal(end, syntax_.escapes);
  }
  if (!mysql && next == '&' && name.size() == 1 && upper(name[0]) == 'U' && at(end + 1) == '\'')
    return literal(end + 1, syntax_.escapes);
  Token token = take(Kind::word, end);
  if (token.is_word("TRUE") || token.is_word("FALSE")) token.kind = Kind::literal;
  return token;
}

Token Tokens::next() {
  if (doubtful_) return {};
  bool spaced = skip_blank();
  if (pos_ >= text_.size()) return {};
  bool mysql = syntax_.dialect == Dialect::mysql;
  char c = text_[pos_];
  Token token;
  if (c == '\'' || (mysql && c == '"')) {
    token = literal(pos_, syntax_.escapes);
  } else if (c == '"' || (mysql && c == '`')) {
    token = take(Kind::quoted, quoted_end(pos_ + 1, c, Escapes::no));
    // What is not whole may be more than a name.
    if (token.text.size() < 2 || token.text.back() != c) token.kind = Kind::literal;
  } else if (c == '$' && !mysql) {
    size_t end = dollar_end();
    if (end > pos_) token = take(Kind::literal, end);
    else
      token = is_digit(at(pos_ + 1)) ? take(Kind::parameter, word_end(pos_ + 1)) : take(Kind::sign, pos_ + 1);
  } else if (c == '?' && mysql) {
    token = take(Kind::parameter, pos_ + 1);
  } else if (is_digit(c) || (c == '.' && is_digit(at(pos_ + 1)))) {
    token = take(Kind::literal, number_end());
  } else if (is_name(c)) {
    token = word();
  } else {
    token = take(Kind::sign, pos_ + 1);
  }
  // The last word of a text that goes on may be half a value's type as well as half a name.
  if (cut_ && pos_ >= text_.size() && token.kind != Kind::literal) return {};
  token.spaced = spaced;
  return token;
}

}  // namespace clover::sql
