// Reads any bytes as an authorization policy. What is accepted is accepted by the oracle too, and
// both judge every call alike; what is refused says where.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "service/authorization/authorization_policy.h"
#include "tests/unit/authorization/policy_oracle.h"

namespace gateway {
namespace {

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void CheckDecisions(const AuthorizationPolicy& policy, const PolicyOracle& oracle) {
  for (const std::string principal :
       {"", "a", "ab", "spiffe://example.org/anna", "spiffe://evil.test/a.b"}) {
    for (const std::string_view method : kTestMethods) {
      const AuthorizationDecision decision = policy.Decide(principal, method);
      Check(std::pair(decision.allowed, std::string(decision.rule)) ==
                oracle.Decide(principal, std::string(method)),
            "a call is judged as the oracle does");
    }
  }
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto policy = gateway::AuthorizationPolicy::Parse(text, gateway::kTestMethods);
  const auto oracle = gateway::PolicyOracle::Read(text, gateway::kTestMethods);
  if (policy.ok()) {
    gateway::Check(oracle.has_value(), "what the oracle refuses is refused");
    gateway::CheckDecisions(*policy, *oracle);
  } else {
    gateway::Check(!oracle.has_value(), "what the oracle accepts is accepted");
    gateway::Check(std::string(policy.status().message()).starts_with("line "),
                   "an error says where");
  }
  return 0;
}
