#ifndef TESTS_UNIT_AUTHORIZATION_POLICY_ORACLE_H_
#define TESTS_UNIT_AUTHORIZATION_POLICY_ORACLE_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace gateway {

// The methods of the tests' gateway: two services with a method of the same name.
inline constexpr std::string_view kTestMethods[] = {"/shop.v1.Orders/Add", "/shop.v1.Orders/Get",
                                                    "/shop.v1.Orders/List", "/shop.v1.Stock/Get"};

// A second reading of the rules for authorization policies, as slow and plain as can be, to compare
// AuthorizationPolicy with.
class PolicyOracle {
 public:
  // Nothing if the policy has to be refused.
  static std::optional<PolicyOracle> Read(std::string_view text,
                                          std::span<const std::string_view> methods);

  // Whether the call is allowed, and the rule's name, empty if there is none.
  std::pair<bool, std::string> Decide(const std::string& principal, const std::string& path) const;

 private:
  explicit PolicyOracle(nlohmann::json policy) : policy_(std::move(policy)) {}

  nlohmann::json policy_;
};

}  // namespace gateway

#endif  // TESTS_UNIT_AUTHORIZATION_POLICY_ORACLE_H_
