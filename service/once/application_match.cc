#include "service/once/application_match.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "service/passfort/product_application_json.h"

namespace gateway {
namespace {

// How two values compare that may be missing on either side.
enum class Agreement { kEqual, kDifferent, kUnsure };

Agreement CompareProduct(const ApplicationDraft& draft, const ListedApplication& listed) {
  if (!draft.product_alias.empty() && !listed.product_alias.empty()) {
    return draft.product_alias == listed.product_alias ? Agreement::kEqual : Agreement::kDifferent;
  }
  if (!draft.product_id.empty() && !listed.product_id.empty()) {
    const std::string wanted = absl::AsciiStrToLower(absl::string_view(draft.product_id));
    return wanted == listed.product_id ? Agreement::kEqual : Agreement::kDifferent;
  }
  return Agreement::kUnsure;
}

Agreement CompareRole(const ApplicationDraft& draft, const ListedApplication& listed) {
  const std::string_view wanted = AssociatedRoleJsonName(draft.associated_role);
  if (wanted == listed.associated_role) return Agreement::kEqual;
  if (wanted.empty() || listed.associated_role.empty()) return Agreement::kUnsure;
  return Agreement::kDifferent;
}

bool Contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

Evidence WeighList(const ApplicationDraft& draft, const std::vector<std::string>& snapshot,
                   const std::vector<std::string>& held,
                   const std::vector<ListedApplication>& listed) {
  Evidence evidence;
  int matches = 0;
  for (const auto& application : listed) {
    if (Contains(snapshot, application.id) || Contains(held, application.id)) continue;
    if (Contains(evidence.candidate_ids, application.id)) continue;  // listed twice
    const Agreement product = CompareProduct(draft, application);
    const Agreement role = CompareRole(draft, application);
    if (product == Agreement::kDifferent || role == Agreement::kDifferent) continue;
    evidence.candidate_ids.push_back(application.id);
    if (product == Agreement::kEqual && role == Agreement::kEqual) {
      ++matches;
      evidence.found = application;
    }
  }
  if (matches != 1 || evidence.candidate_ids.size() != 1) evidence.found.reset();
  return evidence;
}

}  // namespace gateway
