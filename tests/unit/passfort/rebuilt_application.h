#ifndef TESTS_UNIT_PASSFORT_REBUILT_APPLICATION_H_
#define TESTS_UNIT_PASSFORT_REBUILT_APPLICATION_H_

#include <google/protobuf/message.h>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace gateway {

// Turns typed fields + `unmapped` back into the JSON they came from, knowing only the contract:
// field names are JSON names (but `product_applications`, which are `applications`), and enum
// values are JSON names with a prefix. An etag is neither. It shares no line with the mapping that
// it checks. For messages with an `unmapped`.
nlohmann::json RebuiltJson(const google::protobuf::Message& resource);

// How `resource` breaks the promise that it and `original`, the JSON that ReadJson gave, say the
// same: null, absent and default are equal for known members, a number may be a string of its
// digits if no double prints it back, what is odd a string of its text, and a deep subtree a string
// of its JSON text. Also what `unmapped` holds although a typed field holds it. Empty if the
// promise is kept.
std::string BrokenPromise(const nlohmann::json& original,
                          const google::protobuf::Message& resource);

}  // namespace gateway

#endif  // TESTS_UNIT_PASSFORT_REBUILT_APPLICATION_H_
