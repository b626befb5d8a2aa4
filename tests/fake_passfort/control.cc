#include "tests/fake_passfort/control.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "tests/fake_passfort/fault_json.h"

namespace gateway {
namespace {

using Json = nlohmann::ordered_json;

GivenAnswer Done() { return {200, "{}"}; }
GivenAnswer Wrong(std::string_view what) { return {400, Text({{"error", what}})}; }

GivenAnswer AddFaults(Backend& backend, std::string_view body) {
  auto parsed = ParseFaults(body);
  if (const auto* const problem = std::get_if<std::string>(&parsed)) return Wrong(*problem);
  for (Fault& fault : std::get<std::vector<Fault>>(parsed)) backend.Script(std::move(fault));
  return Done();
}

GivenAnswer AddApplication(Backend& backend, const Json& wish) {
  const std::string profile_id = wish.at("profile_id").get<std::string>();
  const std::string made_by = wish.value("made_by", "portal_user");
  const FakeProduct* const product = FindFakeProduct(wish.at("product").get<std::string>(), "");
  if (!PassfortState::ProfileExists(profile_id)) return Wrong("no such profile");
  if (product == nullptr) return Wrong("no such product");
  if (made_by != "portal_user" && made_by != "policy") return Wrong("made_by is not known");
  const std::string id =
      backend.AddOtherwise(profile_id, *product, wish.value("associated_role", ""),
                           made_by == "policy" ? MadeBy::kPolicy : MadeBy::kPortalUser);
  if (!wish.value("shows_alias", true)) (void)backend.SetShowsAlias(profile_id, id, false);
  return {200, Text({{"id", id}})};
}

GivenAnswer ChangeApplication(Backend& backend, const Route& route, const Json& wish) {
  if (!wish.contains("status") && !wish.contains("hidden") && !wish.contains("shows_alias")) {
    return Wrong("status, hidden or shows_alias?");
  }
  bool found = true;
  if (wish.contains("status")) {
    found = backend.ForceStatus(route.profile_id, route.application_id,
                                wish.at("status").get<std::string>());
  }
  if (found && wish.contains("hidden")) {
    found =
        backend.SetHidden(route.profile_id, route.application_id, wish.at("hidden").get<bool>());
  }
  if (found && wish.contains("shows_alias")) {
    found = backend.SetShowsAlias(route.profile_id, route.application_id,
                                  wish.at("shows_alias").get<bool>());
  }
  return found ? Done() : Wrong("no such application");
}

}  // namespace

std::string_view ControlHelp() {
  return R"(The control endpoint (outside /4.0, no API key):
  GET    /control/state     counts, and every profile with its applications
  DELETE /control/state     forget applications, counts, log and faults
  GET    /control/requests  what was on the wire (the last 4096 requests)
  POST   /control/faults    one fault or an array of them; each waits for its requests
  DELETE /control/faults    forget the faults that wait
  POST   /control/release   let go what a fault holds
  POST   /control/applications   {"profile_id", "product" (an alias), "associated_role",
                                  "made_by": portal_user|policy, "shows_alias": false}:
                                  add one from outside
  POST   /control/profiles/{profile_id}/applications/{id}   {"status"}, {"hidden"} or
                                  {"shows_alias"}: change it

A fault is an object; what is left out stays ordinary:
  which requests  "method", "endpoint": any|whoami|list|add|get|decide|revert, "profile_id",
                  "skip": let so many through first, "times": a number or "always" (default 1)
  when it counts  "carry_out": before_answer|late|never, "carry_out_after": "200ms",
                  "hide": true, "reverted_id": same|new,
                  "stranger": before|after, "stranger_is": portal_user|policy
  what is read    "read": whole|headers, "hold": before_carrying_out|before_answer
  what is sent    "send": answer|nothing, "answer_after": "1s", "answer": {"status", "headers",
                  "body" (text or JSON), "set": {"/pointer": value}, "remove": ["/pointer"],
                  "upper_case_ids", "existing_application", "pad_to", "cut_after",
                  "piece_bytes", "piece_pause",
                  "framing": content_length|chunked|connection_close, "raw"}
  what follows    "then": as_usual|close|reset|hang

  curl -d '{"endpoint": "add", "answer": {"status": 502, "body": "<html>Bad gateway</html>"}}' \
       http://127.0.0.1:PORT/control/faults
makes the next application, but answers with a 502.
  curl -d '{"times": "always", "carry_out": "never", "send": "nothing", "then": "reset"}' ...
is an outage of everything, GET /whoami too, until the faults are forgotten.
)";
}

GivenAnswer Control(Backend& backend, std::string_view method, std::string_view target,
                    std::string_view body) {
  const bool is_get = method == "GET";
  const bool is_post = method == "POST";
  const bool is_delete = method == "DELETE";
  if (is_get && target == "/control/state") return {200, backend.StateJson()};
  if (is_get && target == "/control/requests") return {200, backend.LogJson()};
  if (is_post && target == "/control/faults") return AddFaults(backend, body);
  if (is_delete && target == "/control/faults") {
    backend.ClearFaults();
    return Done();
  }
  if (is_delete && target == "/control/state") {
    backend.Reset();
    return Done();
  }
  constexpr std::string_view kPrefix = "/control";
  const Route route =
      FindRoute(method, std::string(kApiRoot).append(target.substr(kPrefix.size())));
  try {
    if (is_post && target == "/control/applications") {
      return AddApplication(backend, Json::parse(body));
    }
    if (route.endpoint == Endpoint::kDecide) {
      return ChangeApplication(backend, route, Json::parse(body));
    }
  } catch (const Json::exception& wrong) {
    return Wrong(wrong.what());
  }
  return {404, Text({{"error", "no such control; fake-passfort --help lists them"}})};
}

}  // namespace gateway
