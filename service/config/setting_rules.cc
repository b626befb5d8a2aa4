#include "service/config/setting_rules.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/config/address.h"
#include "service/config/setting_value.h"

namespace gateway {
namespace {

using std::chrono::milliseconds;

// Passfort's own request timeout (API documentation, "Passfort API versions").
constexpr milliseconds kPassfortTimeout{60'000};

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// A policy, a trust domain, or limits of callers, without identities are false promises.
absl::Status CheckTls(const GatewayConfig& config) {
  if (config.tls_cert_file.empty() != config.tls_key_file.empty()) {
    return Wrong("tls_cert_file, tls_key_file: only one of them is set; want both, or neither");
  }
  if (!config.tls_client_ca_file.empty() && config.tls_cert_file.empty()) {
    return Wrong("tls_client_ca_file: needs tls_cert_file and tls_key_file too");
  }
  if (KnowsCallers(config)) {
    if (!config.allow_insecure_listen) return absl::OkStatus();
    return Wrong(
        "allow_insecure_listen: callers have to show certificates (tls_client_ca_file), so nothing "
        "insecure is to be allowed; leave out one of the two");
  }
  for (const auto& [name, value] :
       {std::pair("tls_trust_domain", &config.tls_trust_domain),
        std::pair("authorization_policy_file", &config.authorization_policy_file),
        std::pair("callers_file", &config.callers_file)}) {
    if (value->empty()) continue;
    return Wrong(name, ": without tls_client_ca_file nobody knows who calls; set that too");
  }
  return absl::OkStatus();
}

absl::Status CheckAddresses(const GatewayConfig& config) {
  for (const auto& [name, address] :
       {std::pair("listen", &config.listen), std::pair("metrics_listen", &config.metrics_listen)}) {
    if (config.allow_insecure_listen || KnowsCallers(config) || IsLoopbackAddress(*address)) {
      continue;
    }
    return Wrong(name, ": \"", *address, "\" is reachable from other machines, ",
                 config.tls_cert_file.empty() ? "in plain text" : "and anybody may call",
                 "; want a loopback address (127.0.0.0/8, [::1], localhost), TLS with callers' "
                 "certificates (tls_client_ca_file), or set allow_insecure_listen");
  }
  if (config.allow_insecure_api_url || !IsPlainHttp(config.api_url)) return absl::OkStatus();
  if (!IsLoopbackUrl(config.api_url)) {
    return Wrong(
        "api_url: \"", config.api_url,
        "\" would show the API key and personal data on the way; want https, or plain http "
        "to a loopback host, or set allow_insecure_api_url");
  }
  if (!config.api_proxy.empty()) {
    return Wrong("api_proxy: \"", config.api_proxy,
                 "\" would get the API key in plain text, because api_url is plain http; want an "
                 "https api_url, or set allow_insecure_api_url");
  }
  return absl::OkStatus();
}

// Whoever may settle a write says what every caller is told of it.
absl::Status CheckOperations(const GatewayConfig& config) {
  if (!config.operations_service) return absl::OkStatus();
  if (config.store.empty()) {
    return Wrong(
        "operations_service: without a store no request_id is remembered; set store too, or leave "
        "it off");
  }
  if (!config.authorization_policy_file.empty() || IsLoopbackAddress(config.listen)) {
    return absl::OkStatus();
  }
  return Wrong("operations_service: listen (\"", config.listen,
               "\") is reachable from other machines, and every caller could settle writes; set "
               "authorization_policy_file, with a rule for those who may, or leave it off");
}

absl::Status CheckKey(const GatewayConfig& config) {
  if (config.api_key.empty() && config.api_key_file.empty()) {
    return Wrong("api_key: no API key; set PASSFORT_GATEWAY_API_KEY or api_key_file");
  }
  if (!config.api_key.empty() && !config.api_key_file.empty()) {
    return Wrong("api_key, api_key_file: both are set; want exactly one");
  }
  return absl::OkStatus();
}

absl::Status CheckDurations(const GatewayConfig& config) {
  if (config.default_deadline > config.max_deadline) {
    return Wrong("default_deadline: ", DurationText(config.default_deadline),
                 " is longer than max_deadline (", DurationText(config.max_deadline),
                 "); want at most that");
  }
  // A record that expires earlier could be forgotten while its write may still be executed.
  const milliseconds longest =
      config.lease_duration + config.attempt_timeout + config.settle_window;
  if (config.replay_window <= longest) {
    return Wrong("replay_window: ", DurationText(config.replay_window),
                 " is not longer than lease_duration (", DurationText(config.lease_duration),
                 "), attempt_timeout (", DurationText(config.attempt_timeout),
                 ") and settle_window (", DurationText(config.settle_window),
                 ") together; want more than ", DurationText(longest));
  }
  return absl::OkStatus();
}

absl::Status CheckSizes(const GatewayConfig& config) {
  if (config.max_response_bytes_in_flight >= 2 * config.max_response_bytes) return absl::OkStatus();
  return Wrong("max_response_bytes_in_flight: ", config.max_response_bytes_in_flight,
               " bytes are less than twice max_response_bytes (", config.max_response_bytes,
               "); want at least ", 2 * config.max_response_bytes);
}

}  // namespace

absl::Status CheckRules(const GatewayConfig& config) {
  absl::Status status = CheckTls(config);
  if (status.ok()) status = CheckAddresses(config);
  if (status.ok()) status = CheckOperations(config);
  if (status.ok()) status = CheckKey(config);
  if (status.ok()) status = CheckDurations(config);
  if (status.ok()) status = CheckSizes(config);
  return status;
}

void AddRiskWarnings(const GatewayConfig& config, std::vector<std::string>& warnings) {
  const auto below_passfort = [&warnings](const char* name, milliseconds value) {
    if (value >= kPassfortTimeout) return;
    warnings.push_back(absl::StrCat(name, ": ", DurationText(value), " is shorter than the ",
                                    DurationText(kPassfortTimeout),
                                    " that Passfort may take: more writes end as unknown"));
  };
  below_passfort("attempt_timeout", config.attempt_timeout);
  below_passfort("default_deadline", config.default_deadline);
  below_passfort("max_deadline", config.max_deadline);
  if (config.settle_window < kPassfortTimeout) {
    warnings.push_back(absl::StrCat("settle_window: ", DurationText(config.settle_window),
                                    " is shorter than the ", DurationText(kPassfortTimeout),
                                    " that Passfort may take: a retry with the same request_id can "
                                    "create a second application"));
  }
  if (config.drain_timeout < config.max_deadline) {
    warnings.push_back(absl::StrCat(
        "drain_timeout: ", DurationText(config.drain_timeout), " is shorter than max_deadline (",
        DurationText(config.max_deadline), "): a stop can cut calls that are in flight"));
  }
  if (config.connect_timeout > config.attempt_timeout) {
    warnings.push_back(absl::StrCat("connect_timeout: ", DurationText(config.connect_timeout),
                                    " is longer than attempt_timeout (",
                                    DurationText(config.attempt_timeout), ") and has no effect"));
  }
  if (KnowsCallers(config) && !IsLoopbackAddress(config.metrics_listen)) {
    warnings.push_back(absl::StrCat("metrics_listen: \"", config.metrics_listen,
                                    "\" is reachable from other machines and asks nobody for a "
                                    "certificate; let a network policy "
                                    "say who may read the metrics"));
  }
  if (config.allow_insecure_store && config.store.starts_with("postgres")) {
    warnings.emplace_back(
        "allow_insecure_store: without sslmode=verify-full the database's password and the records "
        "can be read, and changed, on the way");
  }
  if (config.upstream_http2 && IsPlainHttp(config.api_url)) {
    warnings.emplace_back(
        "upstream_http2: has no effect with a plain http api_url: HTTP/2 is agreed on in the TLS "
        "handshake only");
  }
}

}  // namespace gateway
