#include "service/base/principal.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace gateway {
namespace {

constexpr size_t kMaxTrustDomain = 255;
constexpr size_t kMaxHostName = 253;
constexpr size_t kMaxLabel = 63;

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

}  // namespace

bool IsTrustDomain(std::string_view name) {
  return !name.empty() && name.size() <= kMaxTrustDomain &&
         std::ranges::all_of(name, IsTrustDomainCharacter);
}

bool IsSpiffePath(std::string_view path) {
  return path.starts_with('/') && AllParts(path.substr(1), '/', IsSegment);
}

bool IsSpiffeId(std::string_view id) {
  if (id.size() > kMaxSpiffeIdBytes || !id.starts_with(kSpiffeScheme)) return false;
  id.remove_prefix(kSpiffeScheme.size());
  const size_t slash = std::min(id.find('/'), id.size());
  return IsTrustDomain(id.substr(0, slash)) && IsSpiffePath(id.substr(slash));
}

bool IsHostName(std::string_view name) {
  const std::string_view last_label = name.substr(name.rfind('.') + 1);
  return name.size() <= kMaxHostName && AllParts(name, '.', IsLabel) &&
         !std::ranges::all_of(last_label, absl::ascii_isdigit);
}

}  // namespace gateway
