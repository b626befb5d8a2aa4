#ifndef SERVICE_ONCE_APPLICATION_MATCH_H_
#define SERVICE_ONCE_APPLICATION_MATCH_H_

#include <optional>
#include <string>
#include <vector>

#include "service/passfort/passfort_client.h"

namespace gateway {

// What a profile's list says about an attempt whose answer was lost.
struct Evidence {
  // Every new application that is surely or possibly the one.
  std::vector<std::string> candidate_ids;
  // The one that is surely it: exactly one matches and none is unsure.
  std::optional<ListedApplication> found;

  bool ShowsNothing() const { return candidate_ids.empty(); }
};

// Compares `listed` with `draft`, leaving out the ids that were there before the first attempt
// (`snapshot`) and those that other records hold (`held`); all in lower case. Hidden applications
// and every status count: the one we look for may have moved on. A pure function.
Evidence WeighList(const ApplicationDraft& draft, const std::vector<std::string>& snapshot,
                   const std::vector<std::string>& held,
                   const std::vector<ListedApplication>& listed);

}  // namespace gateway

#endif  // SERVICE_ONCE_APPLICATION_MATCH_H_
