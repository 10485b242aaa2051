#include "resp.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace clover {
namespace {

constexpr size_t kMaxLine = 65536;     // as servers take them inline
constexpr size_t kMaxLineKept = 256, kMaxPart = 64;
constexpr i64 kMaxString = i64{1} << 40, kMaxCount = i64{1} << 32;
constexpr u64 kUnbounded = UINT64_MAX;

// A length, or -1 for null. Nothing else: not even blanks.
bool parse_length(std::string_view digits, i64& out) {
  if (digits.empty() || digits[0] == '+') return false;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return error == std::errc() && end == digits.data() + digits.size() && out >= -1;
}

}  // namespace

u32 RespReader::read(const Piece& given) {
  Piece piece = given;
  if (done_) reset();
  while (piece.length > 0 && !done_ && failed_ == nullptr) {
    if (!begun_) {
      begun_ = true;
      value_.first = piece;
      value_.first.data = nullptr;
      value_.first.length = 0;
    }
    if (left_ > 0) {
      auto n = static_cast<u32>(std::min<u64>(left_, piece.length));
      auto text = static_cast<u32>(std::min<u64>(text_left_, n));
      if (reads_text())
        into_->append(piece.text().substr(0, std::min<size_t>(text, kMaxPart - into_->size())));
      // A string is followed by a line end.
      for (u32 i = text; i < n; i++) {
        u64 behind = left_ - i;
        if (piece.text()[i] != (behind == 2 ? '\r' : '\n')) fail();
      }
      if (failed_ != nullptr) break;
      text_left_ -= text;
      left_ -= n;
      if (talk_ != nullptr) talk_->parsed(n);
      piece.drop(n);
      if (left_ == 0 && !chunks_) ended(piece.time_ns);
      else if (talk_ != nullptr && !reads_text())
        sparing_.spare(*talk_, commands_ ? Side::client : Side::server, piece.seq, text_left_);
      continue;
    }
    size_t end = piece.text().find('\n');
    auto n = static_cast<u32>(end == std::string_view::npos ? piece.length : end + 1);
    line_bytes_ += n;
    if (line_bytes_ > kMaxLine) fail();
    line_.append(piece.text().substr(
        0, std::min<size_t>(n, kMaxLineKept + 2 - std::min(line_.size(), kMaxLineKept + 2))));
    if (talk_ != nullptr) talk_->parsed(n);
    piece.drop(n);
    if (end != std::string_view::npos && failed_ == nullptr) line(piece.time_ns);
  }
  return given.length - piece.length;
}

// Whether something of the open string is still to be kept.
bool RespReader::reads_text() const { return text_left_ > 0 && into_ != nullptr && into_->size() < kMaxPart; }

// Where the text of the next value is kept, or null.
std::string* RespReader::part() {
  bool kept = levels_.empty() || (levels_.size() == 1 && !levels_[0].attribute && elements_ < kMaxRespParts);
  if (!kept) return nullptr;
  value_.parts.emplace_back();
  return &value_.parts.back();
}

void RespReader::line(u64 time_ns) {
  std::string text = std::move(line_);
  line_.clear();
  bool cut = line_bytes_ > text.size();
  line_bytes_ = 0;
  if (!cut) {
    text.pop_back();
    bool ended_well = !text.empty() && text.back() == '\r';
    if (ended_well) text.pop_back();
    else if (!(commands_ && levels_.empty())) return fail();
  }
  char type = text.empty() ? '\0' : text[0];
  std::string_view rest = std::string_view(text).substr(text.empty() ? 0 : 1);
  if (commands_) {
    // A client writes arrays of strings, or a line (Redis protocol, inline commands).
    if (levels_.empty() && type != '*') return plain_line(text, time_ns);
    if (!levels_.empty() && type != '$') return fail();
  }
  switch (type) {
    case '*': case '%': case '~': case '>': case '|':
      return aggregate(type, rest, time_ns);
    case '$': case '=': case '!': case ';':
      return string(type, rest, time_ns);
    case '.':
      if (levels_.empty() || !levels_.back().open || !rest.empty()) return fail();
      levels_.back() = {1, levels_.back().attribute, false};
      return ended(time_ns);
    case '+': case '-': case ':': case '_': case ',': case '#': case '(':
      break;
    default:
      return fail();
  }
  if (levels_.empty()) value_.type = type;
  if (std::string* kept = part()) kept->assign(rest.substr(0, kMaxLineKept));
  if (type == '-' && value_.error.empty() && levels_.size() <= 1)
    value_.error.assign(rest.empty() ? "ERR" : rest);
  ended(time_ns);
}

void RespReader::plain_line(std::string_view text, u64 time_ns) {
  value_.type = 0;
  value_.count = 0;
  for (size_t at = 0; at < text.size();) {
    at = text.find_first_not_of(" \t", at);
    if (at == std::string_view::npos) break;
    size_t end = std::min(text.find_first_of(" \t", at), text.size());
    if (value_.parts.size() < kMaxRespParts)
      value_.parts.emplace_back(text.substr(at, std::min(end - at, kMaxPart)));
    value_.count++;
    at = end;
  }
  ended(time_ns);
}

void RespReader::aggregate(char type, std::string_view digits, u64 time_ns) {
  i64 count = 0;
  bool open = digits == "?" && !commands_ && type != '>';
  if (!open && (!parse_length(digits, count) || count > kMaxCount || (count < 0 && type != '*')))
    return fail();
  if (levels_.empty() && type != '|') {
    value_.type = type;
    value_.count = open ? 0 : count;
  } else if (type != '|') {
    part();
  }
  if (count <= 0 && !open) return type == '|' ? void() : ended(time_ns);
  if (levels_.size() >= kMaxRespDepth) {
    failed_ = "nested_too_deep";
    return;
  }
  bool pairs = type == '%' || type == '|';
  levels_.push_back({open ? kUnbounded : static_cast<u64>(count) * (pairs ? 2 : 1), type == '|', open});
}

void RespReader::string(char type, std::string_view digits, u64 time_ns) {
  i64 length = 0;
  if (type == '$' && digits == "?" && !commands_) {
    if (levels_.empty()) value_.type = type;
    into_ = part();
    chunks_ = true;
    return;
  }
  if (!parse_length(digits, length) || length > kMaxString || (length < 0 && type != '$')) return fail();
  if ((type == ';') != chunks_) return fail();
  if (type == ';') {
    if (length == 0) {
      chunks_ = false;
      return ended(time_ns);
    }
  } else {
    if (levels_.empty()) {
      value_.type = type;
      value_.count = length;
    }
    into_ = part();
    if (length < 0) return commands_ ? fail() : ended(time_ns);
    if (type == '!' && levels_.size() <= 1 && value_.error.empty() && into_ != nullptr) bulk_error_ = true;
  }
  text_left_ = static_cast<u64>(length);
  left_ = text_left_ + 2;
  sparing_.begin();
}

// A value is whole: so may be those that it is the last of.
void RespReader::ended(u64 time_ns) {
  if (std::exchange(bulk_error_, false)) value_.error = into_ != nullptr ? *into_ : "ERR";
  into_ = nullptr;
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (levels_.size() == 1 && !level.attribute) elements_++;
    if (level.open || --level.left > 0) return;
    bool attribute = level.attribute;
    levels_.pop_back();
    // The value that it belongs to comes next.
    if (attribute) return;
  }
  value_.end_ns = time_ns;
  done_ = true;
}

bool RespReader::skip(u64 length, u64 time_ns) {
  if (left_ == 0 || length > left_) return false;
  if (reads_text()) {
    into_->clear();
    into_ = nullptr;
    value_.cut = true;
  }
  text_left_ -= std::min(text_left_, length);
  left_ -= length;
  if (left_ == 0 && !chunks_) ended(time_ns);
  return true;
}

void RespReader::reset() {
  value_ = RespValue{};
  begun_ = done_ = chunks_ = bulk_error_ = false;
  failed_ = nullptr;
  levels_.clear();
  elements_ = 0;
  line_.clear();
  line_bytes_ = left_ = text_left_ = 0;
  into_ = nullptr;
}

}  // namespace clover
