#ifndef TESTS_INTEGRATION_GATEWAY_SECRECY_SECRECY_FIXTURE_H_
#define TESTS_INTEGRATION_GATEWAY_SECRECY_SECRECY_FIXTURE_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/secrecy/canaries.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"

namespace gateway {

// Everything that a caller can say is a canary; with a request_id of its own for each `number`.
enum class RequestId { kNone, kOwn };
pb::AddProductApplicationRequest ACanaryRequest(RequestId id = RequestId::kNone, int number = 0);
// With metadata of all kinds.
void AddCanaryMetadata(grpc::ClientContext& context);

// Looks at everything that an error tells its caller: who may have sent the request_id, but nothing
// else that is one's own, and nobody else's words.
void ExpectNothingTold(const Answered& answered);

// A gateway with the key canary and its callers. It logs everything. Its Passfort has another key,
// so what is not scripted is refused.
class SecrecyFixture {
 public:
  struct Settings {
    std::vector<std::string> flags = {};
    std::vector<std::string> environment = {};
    std::string api_url = {};  // empty: `passfort`
  };

  explicit SecrecyFixture(const Settings& settings);

  // One call, and a look at what it was told.
  Answered Add(const pb::AddProductApplicationRequest& request = ACanaryRequest());
  // One call of any method with any bytes, which may be refused by gRPC alone; likewise.
  Answered CallPath(const std::string& path, const std::string& message);

  // Waits for a line of so many calls more that were not made by `Add`.
  void WaitForCalls(size_t calls);

  // What the gateway has written since the last look, counts and shows of itself: not one canary.
  void ExpectNothingShown();
  // The same at its end.
  void ExpectNothingShownUntilItEnds();

  FakePassfort passfort;
  GatewayProcess gateway;
  // Empty once the gateway has ended.
  std::optional<GatewayCaller> caller{gateway.target()};

 private:
  size_t calls_ = 0;
};

// Bodies and headers that name persons wherever Passfort, or a proxy before it, could do so.
std::string CanaryError(const std::string& row, int code);
std::string CanaryPage(const std::string& row);
std::string CanaryList(const std::string& row);
std::string CanaryApplication(const std::string& row);
Headers CanaryHeaders(const std::string& row);

// Passfort lists this for as long as the faults stay.
Fault Lists(std::string body, int status = 200);

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_SECRECY_SECRECY_FIXTURE_H_
