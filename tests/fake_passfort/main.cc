// fake-passfort: the profiles and product applications of the Passfort API 4.0, for those without
// an account.

#include <sys/resource.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "tests/fake_passfort/backend.h"
#include "tests/fake_passfort/control.h"
#include "tests/fake_passfort/http_server.h"
#include "tests/fake_passfort/json_reader.h"

namespace {

struct Settings {
  std::string host = "127.0.0.1";
  uint16_t port = 8080;
  std::string api_key = "demo-key";
  std::chrono::milliseconds delay{0};
};

constexpr int kExitUsage = 2;

constexpr std::string_view kHelp = R"(fake-passfort: behaves like the profiles and product
applications of the Passfort REST API 4.0. State is in memory; nothing leaves this process.

  --listen HOST:PORT   a numeric address; port 0 takes a free one (127.0.0.1:8080)
  --api_key KEY        what the header `apikey` must hold (demo-key)
  --delay TIME         every answer of the API comes that much later, e.g. 250ms or 1s (0s)
  --help               this text

The first line of stdout is the API's URL: `fake-passfort: http://127.0.0.1:PORT/4.0`.

The API: GET /whoami; POST /profiles; GET /profiles/{profile_id}; GET and POST
/profiles/{profile_id}/applications; GET and POST .../applications/{id}; POST
.../applications/{id}/revert_decision. Every profile id that is a UUID exists, unless it starts with
00000000; one that nobody created shows a plain profile. Products: forexo_basic, forexo_associate
(approves by itself), forexo_business, forexo_starter (new profiles apply for it by themselves). An
application moves on a step after each GET that has shown it.

)";

bool ReadListen(std::string_view text, Settings& settings) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  settings.host = host;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, settings.port);
  return error == std::errc() && rest == end;
}

bool ReadDelay(std::string_view text, Settings& settings) {
  const auto delay = gateway::ParseDuration(text);
  settings.delay = delay.value_or(settings.delay);
  return delay.has_value();
}

bool ReadFlag(std::string_view name, std::string_view value, Settings& settings) {
  if (name == "--listen") return ReadListen(value, settings);
  if (name == "--delay") return ReadDelay(value, settings);
  if (name != "--api_key" || value.empty()) return false;
  settings.api_key = value;
  return true;
}

// `--name value` and `--name=value`. Nothing if the flags are wrong; stderr says which.
std::optional<Settings> ReadFlags(int count, char** arguments) {
  Settings settings;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const size_t equals = argument.find('=');
    const bool has_value = equals != std::string_view::npos || i + 1 < count;
    const std::string_view name = argument.substr(0, equals);
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (has_value) {
      value = arguments[++i];
    }
    if (has_value && ReadFlag(name, value, settings)) continue;
    std::fprintf(stderr, "fake-passfort: wrong or unknown: %s %s (--help lists what there is)\n",
                 std::string(name).c_str(), std::string(value).c_str());
    return std::nullopt;
  }
  return settings;
}

// Thousands of connections at once are wanted; the soft limit is often 1024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    if (std::string_view(arguments[i]) != "--help") continue;
    std::fputs((std::string(kHelp) + std::string(gateway::ControlHelp())).c_str(), stdout);
    return 0;
  }
  const std::optional<Settings> settings = ReadFlags(count, arguments);
  if (!settings) return kExitUsage;

  RaiseDescriptorLimit();
  gateway::Backend backend(settings->api_key);
  gateway::HttpServer server(backend, settings->delay);
  if (const std::error_code failed = server.Listen(settings->host, settings->port)) {
    std::fprintf(stderr, "fake-passfort: listen on %s port %d: %s\n", settings->host.c_str(),
                 settings->port, failed.message().c_str());
    return 1;
  }
  const bool is_v6 = settings->host.find(':') != std::string::npos;
  std::printf("fake-passfort: http://%s%s%s:%d%s\n", is_v6 ? "[" : "", settings->host.c_str(),
              is_v6 ? "]" : "", server.port(), std::string(gateway::kApiRoot).c_str());
  std::fflush(stdout);

  server.StopOnSignals();
  server.Run();
  return 0;
}
