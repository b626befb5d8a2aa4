#include "service/operations/application_match.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "service/passfort/mapping/product_application_json.h"

namespace gateway {
namespace {

// How two values compare that may be missing on either side.
enum class Agreement { kEqual, kDifferent, kUnknown };

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char byte) { return absl::ascii_isascii(byte); });
}

// Case and blanks around are Passfort's to change. Whether letters beyond ASCII differ in more than
// their case is not for us to say.
Agreement CompareText(absl::string_view sent, absl::string_view listed) {
  sent = absl::StripAsciiWhitespace(sent);
  listed = absl::StripAsciiWhitespace(listed);
  if (sent.empty() || listed.empty()) return Agreement::kUnknown;
  if (absl::EqualsIgnoreCase(sent, listed)) return Agreement::kEqual;
  return IsAscii(sent) && IsAscii(listed) ? Agreement::kDifferent : Agreement::kUnknown;
}

Agreement CompareProduct(const ApplicationDraft& draft, const ListedApplication& listed) {
  const Agreement by_id = CompareText(draft.product_id, listed.product_id);
  if (draft.product_alias.empty()) return by_id;
  const Agreement by_alias = CompareText(draft.product_alias, listed.product_alias);
  const bool is_expected_id = by_id == Agreement::kEqual;
  if (by_alias == Agreement::kUnknown && is_expected_id) return Agreement::kEqual;
  // Either the product has another alias by now, or the caller's alias and id name two products.
  if (by_alias == Agreement::kDifferent && is_expected_id) return Agreement::kUnknown;
  return by_alias;
}

Agreement CompareRole(const ApplicationDraft& draft, const ListedApplication& listed) {
  const std::string_view wanted = AssociatedRoleJsonName(draft.associated_role);
  return wanted == listed.associated_role ? Agreement::kEqual : Agreement::kUnknown;
}

bool Contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

MatchResult MatchApplications(const ApplicationDraft& draft,
                              const std::vector<std::string>& baseline,
                              const std::vector<std::string>& held,
                              const std::vector<ListedApplication>& listed) {
  MatchResult evidence;
  int matches = 0;
  for (const auto& application : listed) {
    if (Contains(baseline, application.id) || Contains(held, application.id)) continue;
    if (Contains(evidence.candidate_ids, application.id)) continue;  // listed twice
    const Agreement product = CompareProduct(draft, application);
    if (product == Agreement::kDifferent) continue;
    evidence.candidate_ids.push_back(application.id);
    if (product == Agreement::kEqual && CompareRole(draft, application) == Agreement::kEqual) {
      ++matches;
      evidence.found = application;
    }
  }
  if (matches != 1 || evidence.candidate_ids.size() != 1) evidence.found.reset();
  return evidence;
}

}  // namespace gateway
