#include "service/app/options.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "service/base/version.h"

namespace gateway {

CurlHttpClient::Options HttpOptions(const GatewayConfig& config) {
  return {.connect_timeout = config.connect_timeout,
          .idle_connection_timeout = config.idle_connection_timeout,
          .max_response_bytes = static_cast<size_t>(config.max_response_bytes),
          .http2 = config.upstream_http2,
          .ca_file = config.api_ca_file,
          .proxy = config.api_proxy,
          .user_agent = absl::StrCat("passfort-gateway/", kVersion),
          .kept_response_headers = RestTransport::ResponseHeaderNames()};
}

RestTransport::Options RestOptions(const GatewayConfig& config) {
  using Messages = RestTransport::Messages;
  return {.api_url = config.api_url,
          .attempt_timeout = config.attempt_timeout,
          .messages = config.passfort_message ? Messages::kOn : Messages::kOff};
}

ThrottledTransport::Options ThrottleOptions(const GatewayConfig& config) {
  ThrottledTransport::Options options;
  options.circuit_breaker =
      config.circuit_breaker ? ThrottledTransport::Breaker::kOn : ThrottledTransport::Breaker::kOff;
  options.min_counted_timeout = std::min(options.min_counted_timeout, config.attempt_timeout);
  // Half of what a list gets before a write.
  options.min_counted_list_timeout = config.lease_duration / 4;
  return options;
}

AtMostOnce::Options ToAtMostOnceOptions(const GatewayConfig& config) {
  return {.store_url = config.store,
          .store = {.records = {.replay_window = config.replay_window,
                                .max_records = config.store_max_records},
                    .allow_insecure = config.allow_insecure_store},
          .once = {.lease_duration = config.lease_duration,
                   .attempt_timeout = config.attempt_timeout,
                   .settle_window = config.settle_window,
                   .max_sessions = static_cast<size_t>(config.max_in_flight)}};
}

CallerAccess::Options AccessOptions(const GatewayConfig& config, int64_t max_in_flight) {
  return {.certificates = {.cert_file = config.tls_cert_file,
                           .key_file = config.tls_key_file,
                           .client_ca_file = config.tls_client_ca_file},
          .trust_domain = config.tls_trust_domain,
          .serves_builtin_services = ServesReflection(config) || config.channelz,
          .policy_file = config.authorization_policy_file,
          .callers_file = config.callers_file,
          .callers = {.max_in_flight = static_cast<size_t>(max_in_flight),
                      .has_store = !config.store.empty()}};
}

CallPipeline::Options PipelineOptions(const GatewayConfig& config) {
  return {.max_in_flight = static_cast<size_t>(config.max_in_flight),
          .max_request_bytes = static_cast<size_t>(config.max_request_bytes),
          .deadlines = {.default_deadline = config.default_deadline,
                        .max_deadline = config.max_deadline}};
}

GrpcServer::Options ServerOptions(const GatewayConfig& config, const CallerAccess& access,
                                  OperatorPages& pages) {
  return {.listen = config.listen,
          .max_connection_age = config.max_connection_age,
          .max_connections = static_cast<size_t>(config.max_connections),
          .channelz = config.channelz ? GrpcServer::Channelz::kOn : GrpcServer::Channelz::kOff,
          .reflection =
              ServesReflection(config) ? GrpcServer::Reflection::kOn : GrpcServer::Reflection::kOff,
          .credentials = access.credentials(),
          .health_listen = config.health_listen,
          .on_health = [&pages](bool is_serving) { pages.SetServing(is_serving); }};
}

std::string_view CallersInWords(const GatewayConfig& config) {
  if (KnowsCallers(config)) return "by certificate";
  return config.tls_cert_file.empty() ? "unknown, in plain text" : "unknown, over TLS";
}

std::string_view StoreInWords(const GatewayConfig& config) {
  if (config.store.empty()) return "none";
  return std::string_view(config.store).starts_with("sqlite:") ? "sqlite" : "postgresql";
}

}  // namespace gateway
