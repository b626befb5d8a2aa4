#ifndef TESTS_INTEGRATION_GATEWAY_GATEWAY_FIXTURE_H_
#define TESTS_INTEGRATION_GATEWAY_GATEWAY_FIXTURE_H_

#include <string>
#include <utility>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"

namespace gateway {

// Flags for tests of what is said when the time is over. With a short deadline of the caller's own
// it would depend on the machine whether the gateway's word comes before it.
inline std::vector<std::string> EndsEveryCallWithin2s() {
  return {"--max_deadline=2s", "--default_deadline=2s", "--circuit_breaker=off"};
}

// A caller, the gateway and a Passfort, each over real connections.
struct GatewayFixture {
  explicit GatewayFixture(std::vector<std::string> flags = {}, std::string api_key = "test-key")
      : gateway(
            {.api_url = passfort.url(), .api_key = std::move(api_key), .flags = std::move(flags)}) {
  }

  FakePassfort passfort;
  GatewayProcess gateway;
  GatewayCaller caller{gateway.target()};
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_GATEWAY_FIXTURE_H_
