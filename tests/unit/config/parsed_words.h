#ifndef TESTS_UNIT_CONFIG_PARSED_WORDS_H_
#define TESTS_UNIT_CONFIG_PARSED_WORDS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "service/config/gateway_config.h"

namespace gateway {

// Arguments of a command line, or variables of an environment.
using Words = std::vector<std::string_view>;

inline constexpr std::string_view kKeyVariable = "PASSFORT_GATEWAY_API_KEY=test-key";

inline absl::StatusOr<ParsedConfig> Parse(const Words& arguments, const Words& environment) {
  return ParseGatewayConfig(arguments, environment);
}

// With a key, so that only what the test is about can be wrong.
inline absl::StatusOr<ParsedConfig> ParseFlags(const Words& arguments) {
  return Parse(arguments, {kKeyVariable});
}

inline std::string ErrorOf(const absl::StatusOr<ParsedConfig>& parsed) {
  return parsed.ok() ? "no error" : std::string(parsed.status().message());
}

}  // namespace gateway

#endif  // TESTS_UNIT_CONFIG_PARSED_WORDS_H_
