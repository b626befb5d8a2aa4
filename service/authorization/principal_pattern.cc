#include "service/authorization/principal_pattern.h"

#include <string>

#include "service/authorization/message_text.h"
#include "service/authorization/positioned_json.h"
#include "service/base/principal.h"

namespace gateway {
namespace {

constexpr std::string_view kAdvice =
    "write it as in the certificate: a SPIFFE id with a path, such as "
    "\"spiffe://example.org/ns/shop/sa/web\", or a host name; trust domain and host name in lower "
    "case";

// Whether some SPIFFE id or host name begins with `prefix`, or ends with `suffix`.
bool CanBegin(std::string_view prefix) {
  if (prefix.starts_with(kSpiffeScheme))
    return IsSpiffeId(MessageText(prefix, "a")) || IsSpiffeId(prefix);
  return IsHostName(prefix) || IsHostName(MessageText(prefix, "a")) ||
         IsHostName(MessageText(prefix, ".a"));
}
bool CanEnd(std::string_view suffix) {
  if (suffix.find('/') != std::string_view::npos)
    return IsSpiffeId(MessageText(kSpiffeScheme, "a/a", suffix));
  return IsHostName(suffix) || IsHostName(MessageText("a", suffix));
}

absl::Status CheckPattern(std::string_view pattern) {
  if (pattern == "*") return absl::OkStatus();
  const bool is_prefix = pattern.ends_with('*');
  if (!is_prefix && !pattern.starts_with('*')) return CheckPrincipal(pattern);
  const std::string_view text =
      is_prefix ? pattern.substr(0, pattern.size() - 1) : pattern.substr(1);
  if (is_prefix && text.starts_with(kSpiffeScheme) &&
      text.find('/', kSpiffeScheme.size()) == std::string_view::npos) {
    return absl::InvalidArgumentError(MessageText(
        QuotedForMessage(pattern),
        " is for other trust domains too; write the whole trust domain and a slash before the *, "
        "such as \"spiffe://example.org/*\""));
  }
  if (is_prefix ? CanBegin(text) : CanEnd(text)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      MessageText(QuotedForMessage(pattern), " can match no principal; ", kAdvice));
}

}  // namespace

absl::Status CheckPrincipal(std::string_view principal) {
  if (IsSpiffeId(principal) || IsHostName(principal)) return absl::OkStatus();
  return absl::InvalidArgumentError(MessageText(
      QuotedForMessage(principal), " is a principal that no certificate can give; ", kAdvice));
}

absl::StatusOr<PrincipalPattern> PrincipalPattern::Parse(std::string_view pattern) {
  absl::StatusOr<TextPattern> text = TextPattern::Parse(pattern);
  if (!text.ok()) return text.status();
  if (absl::Status status = CheckPattern(pattern); !status.ok()) return status;
  return PrincipalPattern(*std::move(text),
                          pattern != "*" && pattern.find('/') == std::string_view::npos);
}

bool PrincipalPattern::Matches(std::string_view principal) const {
  return !(is_for_hosts_ && principal.starts_with(kSpiffeScheme)) && pattern_.Matches(principal);
}

}  // namespace gateway
