#ifndef TESTS_INTEGRATION_GATEWAY_AT_MOST_ONCE_FIXTURE_H_
#define TESTS_INTEGRATION_GATEWAY_AT_MOST_ONCE_FIXTURE_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"

namespace gateway {

inline pb::AddProductApplicationRequest ARequestWithId(std::string request_id = "order-1") {
  auto request = ARequest();
  request.set_request_id(std::move(request_id));
  return request;
}

// Windows short enough to wait for their end, and long enough for a busy machine to keep them.
inline std::vector<std::string> ShortWindows() {
  return {"--lease_duration=500ms", "--attempt_timeout=3s", "--settle_window=500ms"};
}

// A gateway with a store, and a caller of its own.
struct GatewayWithStore {
  GatewayWithStore(const FakePassfort& passfort, const std::string& store_url,
                   std::vector<std::string> flags = ShortWindows(),
                   std::vector<std::string> environment = {})
      : process(Settings(passfort, store_url, std::move(flags), std::move(environment))) {}

  // By environment, since it may hold a password.
  static GatewayProcess::Settings Settings(const FakePassfort& passfort,
                                           const std::string& store_url,
                                           std::vector<std::string> flags,
                                           std::vector<std::string> environment) {
    environment.push_back("PASSFORT_GATEWAY_STORE=" + store_url);
    return {.api_url = passfort.url(),
            .flags = std::move(flags),
            .environment = std::move(environment)};
  }

  double Outcomes(const std::string& outcome) const {
    return process.Counter(
        "passfort_gateway_write_outcomes_total",
        {"grpc_method=\"AddProductApplication\"", "outcome=\"" + outcome + "\""});
  }

  double CallsTaken() const {
    return process.Counter("grpc_server_started_total", {"grpc_method=\"AddProductApplication\""});
  }

  GatewayProcess process;
  GatewayCaller caller{process.target()};
};

// A word that the gateway gives shortly before the caller's deadline can come too late on a busy
// machine: the client library says DEADLINE_EXCEEDED then. Or the time was over before anything was
// sent. The request_id lets the caller ask again.
inline Answered AddUntilKnownOrOpen(const GatewayCaller& caller,
                                    const pb::AddProductApplicationRequest& request,
                                    std::chrono::milliseconds patience) {
  const auto bound = std::chrono::steady_clock::now() + kCallBound;
  Answered answered = caller.Add(request, patience);
  while (answered.status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED &&
         std::chrono::steady_clock::now() < bound) {
    answered = caller.Add(request, patience);
  }
  return answered;
}

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_AT_MOST_ONCE_FIXTURE_H_
