#ifndef SERVICE_AUTHORIZATION_TEXT_PATTERN_H_
#define SERVICE_AUTHORIZATION_TEXT_PATTERN_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

// What a rule says about a principal or a path: the text itself, `prefix*`, `*suffix`, or `*`.
class TextPattern {
 public:
  // An error says in words why `pattern` is none.
  static absl::StatusOr<TextPattern> Parse(std::string_view pattern);

  bool Matches(std::string_view text) const;

 private:
  enum class Kind : uint8_t { kExact, kPrefix, kSuffix, kAny };

  TextPattern(Kind kind, std::string_view text) : kind_(kind), text_(text) {}

  Kind kind_;
  std::string text_;  // without the asterisk
};

}  // namespace gateway

#endif  // SERVICE_AUTHORIZATION_TEXT_PATTERN_H_
