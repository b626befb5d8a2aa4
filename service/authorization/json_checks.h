#ifndef SERVICE_AUTHORIZATION_JSON_CHECKS_H_
#define SERVICE_AUTHORIZATION_JSON_CHECKS_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/authorization/positioned_json.h"

namespace gateway {

// What readers of a file in JSON ask of its values. An error says line, column and what to do;
// `what` is how it calls the value: "a rule", "\"paths\"".
class JsonChecks {
 public:
  // Texts that may stand in a file once, and where they do.
  using Places = std::map<std::string, size_t, std::less<>>;

  // `json` outlives it.
  explicit JsonChecks(const PositionedJson& json) : json_(json) {}

  absl::Status CheckKind(const JsonNode& node, std::string_view what, JsonNode::Kind kind) const;
  // An object with no members but `known`.
  absl::Status CheckObject(const JsonNode& node, std::string_view what,
                           std::initializer_list<std::string_view> known) const;
  // A list with at least one item.
  absl::Status CheckFilledList(const JsonNode& node, std::string_view what) const;

  // The string under "name": there, and not empty.
  absl::StatusOr<std::string> ReadName(const JsonNode& object, std::string_view what) const;
  // A whole number from 1 to `most`. `why_most` says whence that is,
  // if it needs to be said: ", the gateway's".
  absl::StatusOr<int64_t> ReadCount(const JsonNode& node, std::string_view what, int64_t most,
                                    std::string_view why_most = "") const;

  // Notes that `text` stands at `offset`. Where it stood before, such as "line 7"; nothing: it is
  // new.
  std::optional<std::string> FirstLine(Places& places, std::string_view text, size_t offset) const;

 private:
  const PositionedJson& json_;
};

}  // namespace gateway

#endif  // SERVICE_AUTHORIZATION_JSON_CHECKS_H_
