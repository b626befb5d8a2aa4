#ifndef TESTS_FAKE_PASSFORT_ROUTE_H_
#define TESTS_FAKE_PASSFORT_ROUTE_H_

#include <optional>
#include <string>
#include <string_view>

namespace gateway {

enum class Endpoint {
  kAny,            // in a fault: whatever endpoint
  kWhoami,         // GET /whoami
  kList,           // GET /profiles/{profile_id}/applications
  kAdd,            // POST there
  kGet,            // GET /profiles/{profile_id}/applications/{application_id}
  kDecide,         // POST there
  kRevert,         // POST .../revert_decision
  kProfileCreate,  // POST /profiles
  kProfileGet,     // GET /profiles/{profile_id}
  kUnknown,        // nothing that the fake knows
};

// What a request is about; ids as they were written.
struct Route {
  Endpoint endpoint = Endpoint::kUnknown;
  std::string profile_id;
  std::string application_id;
};

// The path under which the API lives.
inline constexpr std::string_view kApiRoot = "/4.0";

bool IsControlTarget(std::string_view target);
Route FindRoute(std::string_view method, std::string_view target);

// By the names the control endpoint uses: any, whoami, list, add, get, decide, revert,
// profile_create, profile_get, unknown.
std::optional<Endpoint> EndpointByName(std::string_view name);
std::string_view EndpointName(Endpoint endpoint);

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_ROUTE_H_
