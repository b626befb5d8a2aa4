#include "tests/fake_passfort/control.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "tests/fake_passfort/application_json.h"
#include "tests/fake_passfort/behaviour_json.h"
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

GivenAnswer Behave(Backend& backend, std::string_view body) {
  const BehaviourWish wish = ParseBehaviour(
      body, [&backend](std::string_view profile_id) { return backend.behaviour(profile_id); });
  if (!wish.problem.empty()) return Wrong(wish.problem);
  backend.Behave(wish.behaviour, wish.profile_id);
  return {200, Text(BehaviourJson(wish.behaviour))};
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
  GET    /control/state     counts (of requests also by endpoint), and every profile with its
                            applications; one that was created with its data too
  DELETE /control/state     forget profiles, applications, behaviour, counts, log and faults
  GET    /control/requests  what was on the wire (the last 4096 requests)
  POST   /control/faults    one fault or an array of them; each waits for its requests
  DELETE /control/faults    forget the faults that wait
  POST   /control/release   let go what a fault holds
  GET    /control/behaviour   what is in force for all profiles
  POST   /control/behaviour   change some of it, for all or for one profile: see below
  DELETE /control/behaviour   back to the defaults, for every profile
  POST   /control/applications   {"profile_id", "product" (an alias), "associated_role",
                                  "made_by": portal_user|policy, "shows_alias": false}:
                                  add one from outside
  POST   /control/profiles/{profile_id}/applications/{id}   {"status"}, {"hidden"} or
                                  {"shows_alias"}: change it

A fault is an object; what is left out stays ordinary:
  which requests  "method", "endpoint": any|whoami|list|add|get|decide|revert|profile_create|
                  profile_get|unknown, "profile_id" (not with profile_create), "skip": let so many through first, "times": a number or "always" (default 1)
  when it counts  "carry_out": before_answer|late|never, "carry_out_after": "200ms",
                  "hide": true, "reverted_id": same|new,
                  "stranger": before|after (with add), "stranger_is": portal_user|policy
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
  curl -d '{"endpoint": "profile_create", "send": "nothing", "then": "reset"}' ...
creates the next profile, but its answer is lost.

Behaviour is an object, for what the documents contradict or leave open. The default comes first;
what is left out stays as it is. With "profile_id" it is that profile's own from then on.
  creating        "create_status": 200|201, "auto_apply": when_empty|never|always (forexo_starter),
  (for all only)  "empty_list_is_none": true|false ("applications": [] asks for none),
                  "applications_in_create_answer": all|none|without_the_last,
                  "unknown_product": refuse_all|leave_out
  every answer    "rewrites_addresses": true|false (FREEFORM ones are shown as STRUCTURED),
                  "creation_date": present|absent,
                  "restless_member": off|on (an unknown member, never twice the same)
  applications    "moves_on": on_read|never|"every 2s" (a step each time)

  curl -d '{"moves_on": "never", "create_status": 201}' http://127.0.0.1:PORT/control/behaviour
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
  if (is_get && target == "/control/behaviour") {
    return {200, Text(BehaviourJson(backend.behaviour()))};
  }
  if (is_post && target == "/control/behaviour") return Behave(backend, body);
  if (is_delete && target == "/control/behaviour") {
    backend.ClearBehaviour();
    return Done();
  }
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
