#ifndef TESTS_UNIT_PASSFORT_REBUILT_APPLICATION_H_
#define TESTS_UNIT_PASSFORT_REBUILT_APPLICATION_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "passfort/gateway/v1/product_application.pb.h"

namespace gateway {

// Turns typed fields + `unmapped` back into the JSON they came from, knowing only the contract:
// field names are JSON names, and enum values are JSON names with a prefix. It shares no line with
// the mapping that it checks.
nlohmann::json RebuiltJson(const passfort::gateway::v1::ProductApplication& application);

// How `application` breaks the promise that it and `original`, the JSON that ReadJson gave, say the
// same: null, absent and default are equal for known members, a number may be a string of its
// digits if no double prints it back, what is odd a string of its text, and a deep subtree a string
// of its JSON text. Also what `unmapped` holds although a typed field holds it. Empty if the
// promise is kept.
std::string BrokenPromise(const nlohmann::json& original,
                          const passfort::gateway::v1::ProductApplication& application);

}  // namespace gateway

#endif  // TESTS_UNIT_PASSFORT_REBUILT_APPLICATION_H_
