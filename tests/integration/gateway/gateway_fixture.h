#ifndef TESTS_INTEGRATION_GATEWAY_GATEWAY_FIXTURE_H_
#define TESTS_INTEGRATION_GATEWAY_GATEWAY_FIXTURE_H_

#include <string>
#include <utility>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"

namespace gateway {

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
