#include "service/authorization/text_pattern.h"

#include "absl/status/status.h"

namespace gateway {

absl::StatusOr<TextPattern> TextPattern::Parse(std::string_view pattern) {
  if (pattern.empty()) {
    return absl::InvalidArgumentError("an empty string matches nothing; remove it or fill it in");
  }
  if (pattern == "*") return TextPattern(Kind::kAny, "");
  const size_t asterisk = pattern.find('*');
  if (asterisk == std::string_view::npos) return TextPattern(Kind::kExact, pattern);
  const bool is_only_one = pattern.find('*', asterisk + 1) == std::string_view::npos;
  if (is_only_one && asterisk == 0) return TextPattern(Kind::kSuffix, pattern.substr(1));
  if (is_only_one && asterisk == pattern.size() - 1) {
    return TextPattern(Kind::kPrefix, pattern.substr(0, asterisk));
  }
  return absl::InvalidArgumentError(
      "there can be one *, as the first or the last character: \"prefix*\", \"*suffix\" or \"*\"");
}

bool TextPattern::Matches(std::string_view text) const {
  switch (kind_) {
    case Kind::kExact:
      return text == text_;
    case Kind::kPrefix:
      return text.starts_with(text_);
    case Kind::kSuffix:
      return text.ends_with(text_);
    case Kind::kAny:
      return true;
  }
  return false;
}

}  // namespace gateway
