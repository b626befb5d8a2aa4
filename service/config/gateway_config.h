#ifndef SERVICE_CONFIG_GATEWAY_CONFIG_H_
#define SERVICE_CONFIG_GATEWAY_CONFIG_H_

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/observability/log.h"

namespace gateway {

// Every setting of the gateway, under its own name. Meaning, range and default of each stand in the
// table in settings.cc and nowhere else; a GatewayConfig with sense in it comes from
// ParseGatewayConfig.
struct GatewayConfig {
  std::string listen;
  std::string metrics_listen;
  std::string health_listen;  // empty: health is served on `listen` only
  bool allow_insecure_listen = false;
  // The first two are both set, or neither is.
  std::string tls_cert_file;
  std::string tls_key_file;
  std::string tls_client_ca_file;  // empty: callers need no certificate
  std::string tls_trust_domain;    // empty: any
  std::string authorization_policy_file;
  std::string callers_file;

  std::string api_url;  // without a slash at the end
  bool allow_insecure_api_url = false;
  // Exactly one of the two is set.
  std::string api_key;
  std::string api_key_file;
  std::string api_ca_file;  // empty: the system's
  std::string api_proxy;    // empty: none
  bool upstream_http2 = false;

  std::chrono::milliseconds connect_timeout{};
  std::chrono::milliseconds attempt_timeout{};
  std::chrono::milliseconds idle_connection_timeout{};
  std::chrono::milliseconds default_deadline{};
  std::chrono::milliseconds max_deadline{};
  std::chrono::milliseconds drain_timeout{};
  std::chrono::milliseconds max_connection_age{};

  std::string store;  // empty: none; may hold a password
  bool allow_insecure_store = false;
  std::chrono::milliseconds settle_window{};
  std::chrono::milliseconds replay_window{};
  std::chrono::milliseconds lease_duration{};
  int64_t store_max_records = 0;

  int64_t max_in_flight = 0;
  int64_t max_connections = 0;
  int64_t max_request_bytes = 0;
  int64_t max_response_bytes = 0;
  int64_t max_response_bytes_in_flight = 0;

  bool circuit_breaker = true;
  bool passfort_message = false;
  bool operations_service = false;
  bool channelz = false;
  std::string reflection;  // auto, on or off
  LogLevel log_level = LogLevel::kInfo;
};

struct ParsedConfig {
  enum class Action {
    kServe,
    kPrintText,  // --help or --version was given: print `text` to standard output and exit with 0
  };

  Action action = Action::kServe;
  GatewayConfig config;
  // Risky, but no reason not to start. Each names the setting; none holds a secret.
  std::vector<std::string> warnings;
  std::string text;
};

// Reads the settings from the command line (without the program's name) and from the environment
// (`NAME=value` entries; one line break at a value's end is left out). A flag wins over the
// environment, the last of equal flags over the others, and an empty environment variable counts as
// unset. An error names setting, value and range, never the API key. A pure function.
absl::StatusOr<ParsedConfig> ParseGatewayConfig(std::span<const std::string_view> arguments,
                                                std::span<const std::string_view> environment);

// Whether reflection is served: `auto` depends on where gRPC is.
bool ServesReflection(const GatewayConfig& config);

// Whether every caller has shown a certificate.
bool KnowsCallers(const GatewayConfig& config);

// Whether gRPC is served where other machines reach it: at `listen` or at `health_listen`.
bool ServesOtherMachines(const GatewayConfig& config);

// Whether the files that are read once, at start, can be read. The file of the API key is not among
// them: ApiKeySource reads it.
absl::Status CheckFiles(const GatewayConfig& config);

}  // namespace gateway

#endif  // SERVICE_CONFIG_GATEWAY_CONFIG_H_
