#ifndef SERVICE_OPERATIONS_APPLICATION_MATCH_H_
#define SERVICE_OPERATIONS_APPLICATION_MATCH_H_

#include <optional>
#include <string>
#include <vector>

#include "service/passfort/product_application_client.h"

namespace gateway {

// What a profile's list says about an attempt whose response was lost.
struct MatchResult {
  // Every new application that does not clearly belong to something else.
  std::vector<std::string> candidate_ids;
  // The one that is surely it: exactly one matches and there is no other candidate.
  std::optional<ListedApplication> found;

  bool IsEmpty() const { return candidate_ids.empty(); }
};

// Compares `listed` with `draft`, leaving out the ids that were there before the first attempt
// (`baseline`) and those that other records hold (`held`); all in lower case. Each of the others is
// - a match: the product agrees, by what was sent or by the id that the caller expects, and so does
//   the role;
// - different: it has the member that was sent for the product, with a value that clearly differs;
// - a possible match: anything else. Passfort may normalise what it was sent (case, blanks, role),
//   and what the caller only expects was not sent, so it excludes nothing.
// Hidden applications and every status count: the one we look for may have moved on. A pure
// function.
MatchResult MatchApplications(const ApplicationDraft& draft,
                              const std::vector<std::string>& baseline,
                              const std::vector<std::string>& held,
                              const std::vector<ListedApplication>& listed);

}  // namespace gateway

#endif  // SERVICE_OPERATIONS_APPLICATION_MATCH_H_
