#include "service/authorization/principal_pattern.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/ascii.h"
#include "service/authorization/message_text.h"
#include "service/authorization/positioned_json.h"

namespace gateway {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr size_t kMaxSpiffeId = 2048;
constexpr size_t kMaxTrustDomain = 255;
constexpr size_t kMaxHostName = 253;
constexpr size_t kMaxLabel = 63;

constexpr std::string_view kAdvice =
    "write it as in the certificate: a SPIFFE id with a path, such as "
    "\"spiffe://example.org/ns/shop/sa/web\", or a host name; trust domain and host name in lower "
    "case";

bool IsLabelCharacter(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_';
}
bool IsTrustDomainCharacter(char c) { return IsLabelCharacter(c) || c == '.'; }
bool IsPathCharacter(char c) { return IsTrustDomainCharacter(c) || absl::ascii_isupper(c); }

bool IsSegment(std::string_view segment) {
  return !segment.empty() && segment != "." && segment != ".." &&
         std::ranges::all_of(segment, IsPathCharacter);
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' &&
         label.back() != '-' && std::ranges::all_of(label, IsLabelCharacter);
}

// Whether `is_part` holds for what is between the separators.
template <typename IsPart>
bool AllParts(std::string_view text, char separator, IsPart is_part) {
  while (true) {
    const size_t end = std::min(text.find(separator), text.size());
    if (!is_part(text.substr(0, end))) return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

bool IsSpiffeId(std::string_view id) {
  if (id.size() > kMaxSpiffeId || !id.starts_with(kScheme)) return false;
  id.remove_prefix(kScheme.size());
  const size_t slash = id.find('/');
  return slash != std::string_view::npos && slash > 0 && slash <= kMaxTrustDomain &&
         std::ranges::all_of(id.substr(0, slash), IsTrustDomainCharacter) &&
         AllParts(id.substr(slash + 1), '/', IsSegment);
}

bool IsHostName(std::string_view name) {
  const std::string_view last_label = name.substr(name.rfind('.') + 1);
  // Without the numbers, which are IPv4 addresses.
  return name.size() <= kMaxHostName && AllParts(name, '.', IsLabel) &&
         !std::ranges::all_of(last_label, absl::ascii_isdigit);
}

// Whether some SPIFFE id or host name begins with `prefix`, or ends with `suffix`.
bool CanBegin(std::string_view prefix) {
  if (prefix.starts_with(kScheme))
    return IsSpiffeId(MessageText(prefix, "a")) || IsSpiffeId(prefix);
  return IsHostName(prefix) || IsHostName(MessageText(prefix, "a")) ||
         IsHostName(MessageText(prefix, ".a"));
}
bool CanEnd(std::string_view suffix) {
  if (suffix.find('/') != std::string_view::npos)
    return IsSpiffeId(MessageText(kScheme, "a/a", suffix));
  return IsHostName(suffix) || IsHostName(MessageText("a", suffix));
}

absl::Status CheckPattern(std::string_view pattern) {
  if (pattern == "*") return absl::OkStatus();
  const bool is_prefix = pattern.ends_with('*');
  if (!is_prefix && !pattern.starts_with('*')) return CheckPrincipal(pattern);
  const std::string_view text =
      is_prefix ? pattern.substr(0, pattern.size() - 1) : pattern.substr(1);
  if (is_prefix && text.starts_with(kScheme) &&
      text.find('/', kScheme.size()) == std::string_view::npos) {
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
  return !(is_for_hosts_ && principal.starts_with(kScheme)) && pattern_.Matches(principal);
}

}  // namespace gateway
