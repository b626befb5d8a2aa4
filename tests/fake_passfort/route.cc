#include "tests/fake_passfort/route.h"

#include <array>
#include <utility>
#include <vector>

namespace gateway {
namespace {

constexpr std::array<std::pair<std::string_view, Endpoint>, 10> kEndpointNames = {
    {{"any", Endpoint::kAny},
     {"whoami", Endpoint::kWhoami},
     {"list", Endpoint::kList},
     {"add", Endpoint::kAdd},
     {"get", Endpoint::kGet},
     {"decide", Endpoint::kDecide},
     {"revert", Endpoint::kRevert},
     {"profile_create", Endpoint::kProfileCreate},
     {"profile_get", Endpoint::kProfileGet},
     {"unknown", Endpoint::kUnknown}}};

std::string_view WithoutQuery(std::string_view target) {
  return target.substr(0, target.find('?'));
}

// "/profiles/7/applications" -> {"profiles", "7", "applications"}
std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const size_t end = path.find('/');
    segments.push_back(path.substr(0, end));
    path.remove_prefix(segments.back().size());
  }
  return segments;
}

}  // namespace

bool IsControlTarget(std::string_view target) {
  const std::string_view path = WithoutQuery(target);
  return path == "/control" || path.starts_with("/control/");
}

Route FindRoute(std::string_view method, std::string_view target) {
  std::string_view path = WithoutQuery(target);
  if (!path.starts_with(kApiRoot)) return {};
  path.remove_prefix(kApiRoot.size());

  const bool is_get = method == "GET";
  const bool is_post = method == "POST";
  const std::vector<std::string_view> segments = Segments(path);
  if (is_get && segments == std::vector<std::string_view>{"whoami"}) {
    return {.endpoint = Endpoint::kWhoami, .profile_id = {}, .application_id = {}};
  }
  if (is_post && segments == std::vector<std::string_view>{"profiles"}) {
    return {.endpoint = Endpoint::kProfileCreate, .profile_id = {}, .application_id = {}};
  }
  if (is_get && segments.size() == 2 && segments[0] == "profiles") {
    return {.endpoint = Endpoint::kProfileGet,
            .profile_id = std::string(segments[1]),
            .application_id = {}};
  }
  if (segments.size() < 3 || segments[0] != "profiles" || segments[2] != "applications") return {};

  Route route{.endpoint = Endpoint::kUnknown,
              .profile_id = std::string(segments[1]),
              .application_id = segments.size() > 3 ? std::string(segments[3]) : ""};
  if (segments.size() == 3 && is_get) route.endpoint = Endpoint::kList;
  if (segments.size() == 3 && is_post) route.endpoint = Endpoint::kAdd;
  if (segments.size() == 4 && is_get) route.endpoint = Endpoint::kGet;
  if (segments.size() == 4 && is_post) route.endpoint = Endpoint::kDecide;
  if (segments.size() == 5 && is_post && segments[4] == "revert_decision") {
    route.endpoint = Endpoint::kRevert;
  }
  return route;
}

std::optional<Endpoint> EndpointByName(std::string_view name) {
  for (const auto& [known, endpoint] : kEndpointNames) {
    if (known == name) return endpoint;
  }
  return std::nullopt;
}

std::string_view EndpointName(Endpoint endpoint) {
  for (const auto& [name, known] : kEndpointNames) {
    if (known == endpoint) return name;
  }
  return "unknown";
}

}  // namespace gateway
