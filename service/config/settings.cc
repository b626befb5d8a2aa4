#include "service/config/settings.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "service/base/principal.h"
#include "service/config/address.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

// Short enough for tests with short windows.
constexpr auto kShortest = 10ms;
constexpr int64_t kKiB = 1024;
constexpr int64_t kMiB = 1024 * kKiB;

absl::StatusOr<std::string> ReadListenAddress(std::string_view text) {
  if (const absl::Status status = CheckListenAddress(text); !status.ok()) return status;
  return std::string(text);
}

absl::StatusOr<std::string> ReadMetricsAddress(std::string_view text) {
  if (const absl::Status status = CheckMetricsAddress(text); !status.ok()) return status;
  return std::string(text);
}

absl::StatusOr<std::string> ReadPath(std::string_view text) {
  if (text.empty()) return absl::InvalidArgumentError("is empty");
  return std::string(text);
}

absl::StatusOr<std::string> ReadTrustDomain(std::string_view text) {
  if (IsTrustDomain(text)) return std::string(text);
  return absl::InvalidArgumentError(
      "is no trust domain: want 1 to 255 of a-z, 0-9, '.', '-' and '_', without \"spiffe://\"");
}

absl::StatusOr<std::string> ReadReflection(std::string_view text) {
  if (text == "auto" || text == "on" || text == "off") return std::string(text);
  return absl::InvalidArgumentError("is none of them");
}

constexpr std::string_view kApiUrlRange = "http or https, host, port and path; no credentials";

// The longest durations keep arithmetic and gRPC's own limits far away; their point is to catch a
// slip of the unit.
constexpr std::array kSettings = {
    Setting{"listen",
            TextKind{&GatewayConfig::listen, "ADDRESS", "host:port, [IPv6]:port or unix:/path",
                     ReadListenAddress},
            "127.0.0.1:50051", "Where gRPC is served. Port 0 takes a free one."},
    Setting{
        "metrics_listen",
        TextKind{&GatewayConfig::metrics_listen, "ADDRESS", "host:port or [IPv6]:port",
                 ReadMetricsAddress},
        "127.0.0.1:9464",
        "Where Prometheus metrics, a page about the gateway's state and /healthz are served, to "
        "whoever can reach it. Port 0 takes a free one."},
    Setting{
        "health_listen",
        TextKind{&GatewayConfig::health_listen, "ADDRESS", "host:port, [IPv6]:port or unix:/path",
                 ReadListenAddress},
        "",
        "Where gRPC's health service, and nothing else, is served in plain text too: for probes, "
        "which have no certificate."},
    Setting{"allow_insecure_listen", BoolKind{&GatewayConfig::allow_insecure_listen}, "off",
            "Lets listen and metrics_listen serve plain text beyond this machine. Not needed, and "
            "not to be set, where callers show certificates."},
    Setting{"tls_cert_file", TextKind{&GatewayConfig::tls_cert_file, "PATH", "a path", ReadPath},
            "",
            "The gateway's own certificate and its chain (PEM): listen then serves TLS. This file "
            "and the next two are read again when they change."},
    Setting{"tls_key_file", TextKind{&GatewayConfig::tls_key_file, "PATH", "a path", ReadPath}, "",
            "The key of that certificate (PEM)."},
    Setting{"tls_client_ca_file",
            TextKind{&GatewayConfig::tls_client_ca_file, "PATH", "a path", ReadPath}, "",
            "The authorities (PEM) of callers' certificates. With it, callers without one are "
            "refused, and a "
            "caller is known by the one SPIFFE id, or else DNS name, in the certificate."},
    Setting{"tls_trust_domain",
            TextKind{&GatewayConfig::tls_trust_domain, "NAME", "a SPIFFE trust domain",
                     ReadTrustDomain},
            "", "Callers' SPIFFE ids must be of this trust domain. By default of any."},
    Setting{"authorization_policy_file",
            TextKind{&GatewayConfig::authorization_policy_file, "PATH", "a path", ReadPath}, "",
            "Who may call what (JSON, docs/security.md); without it every caller may call "
            "everything. Needs tls_client_ca_file. Read again when it changes."},
    Setting{"callers_file", TextKind{&GatewayConfig::callers_file, "PATH", "a path", ReadPath}, "",
            "What each caller may use: products, calls at a time, calls per minute and writes per "
            "day (JSON, docs/security.md). Without it, callers have no limits of their own. Needs "
            "tls_client_ca_file; writes per day need a store. Read again when it changes."},
    Setting{
        "api_url", TextKind{&GatewayConfig::api_url, "URL", kApiUrlRange, ReadApiUrl},
        "https://api.passfort.com/4.0",
        "Passfort's REST API, up to and with /4.0. Accounts live at different hosts, by region: "
        "see your account. Plain http only on this machine."},
    Setting{
        "allow_insecure_api_url", BoolKind{&GatewayConfig::allow_insecure_api_url}, "off",
        "Lets api_url be plain http anywhere: the API key and personal data are then readable on "
        "the way."},
    Setting{
        "api_key", SecretKind{&GatewayConfig::api_key}, "",
        "Passfort's API key. By environment only: a command line is readable by others. Needed, "
        "or else api_key_file."},
    Setting{
        "api_key_file", TextKind{&GatewayConfig::api_key_file, "PATH", "a path", ReadPath}, "",
        "A file that holds the API key and nothing else, and that only its owner can write. Read "
        "again when it changes."},
    Setting{"api_ca_file", TextKind{&GatewayConfig::api_ca_file, "PATH", "a path", ReadPath}, "",
            "Certificates (PEM) of authorities to trust for api_url, besides the system's."},
    Setting{"api_proxy",
            TextKind{&GatewayConfig::api_proxy, "URL",
                     "http or https, host and port; no credentials", ReadProxyUrl},
            "", "HTTP proxy for api_url. HTTP_PROXY and similar variables are ignored."},
    Setting{"upstream_http2", BoolKind{&GatewayConfig::upstream_http2}, "off",
            "Offers HTTP/2 to an https api_url."},
    Setting{"connect_timeout", DurationKind{&GatewayConfig::connect_timeout, kShortest, 5min}, "3s",
            "Maximum time for a new connection to Passfort."},
    Setting{"attempt_timeout", DurationKind{&GatewayConfig::attempt_timeout, kShortest, 10min},
            "65s",
            "Maximum time for one request to Passfort. Below Passfort's own 60s the outcome of a "
            "write may be unknown although it was executed."},
    Setting{"idle_connection_timeout",
            DurationKind{&GatewayConfig::idle_connection_timeout, kShortest, 10min}, "20s",
            "How long an idle connection to Passfort is kept."},
    Setting{"default_deadline", DurationKind{&GatewayConfig::default_deadline, kShortest, 1h},
            "65s", "Time for a call whose caller sets no deadline."},
    Setting{"max_deadline", DurationKind{&GatewayConfig::max_deadline, kShortest, 1h}, "150s",
            "Maximum time for a call, whatever deadline its caller sets."},
    Setting{"drain_timeout", DurationKind{&GatewayConfig::drain_timeout, kShortest, 1h}, "150s",
            "How long calls in flight may go on after SIGTERM."},
    Setting{"max_connection_age", DurationKind{&GatewayConfig::max_connection_age, kShortest, 24h},
            "30m",
            "After about this time callers are asked to connect again, so that new replicas get "
            "load."},
    Setting{
        "store",
        TextKind{&GatewayConfig::store, "URL", "sqlite:PATH, sqlite::memory: or postgresql://...",
                 ReadStoreUrl, TextKind::EchoValue::kNever},
        "",
        "Where request_ids are remembered; without it they are refused. A SQLite file belongs "
        "to one gateway, a PostgreSQL database (URL as libpq reads it) is shared by all "
        "replicas. Give a password by environment only."},
    Setting{"allow_insecure_store", BoolKind{&GatewayConfig::allow_insecure_store}, "off",
            "Lets store be a PostgreSQL beyond this machine without sslmode=verify-full: its "
            "password and the records can then be read, and changed, on the way."},
    Setting{"settle_window", DurationKind{&GatewayConfig::settle_window, kShortest, 1h}, "65s",
            "How long after a failed attempt Passfort may still execute it. Values below "
            "Passfort's own 60s limit risk a duplicate."},
    Setting{"replay_window", DurationKind{&GatewayConfig::replay_window, kShortest, 24h * 365},
            "24h",
            "How long a request_id is remembered after its last change. Longer than "
            "lease_duration, attempt_timeout and settle_window together."},
    Setting{"lease_duration", DurationKind{&GatewayConfig::lease_duration, kShortest, 5min}, "10s",
            "How long a claim on a request_id lasts. After a crash, other replicas wait this long "
            "before they take over."},
    Setting{"store_max_records", CountKind{&GatewayConfig::store_max_records, 1, 1'000'000'000},
            "1000000",
            "Maximum number of request_ids remembered; further ones fail with STORE_FULL."},
    Setting{"max_in_flight", CountKind{&GatewayConfig::max_in_flight, 1, 100'000}, "5000",
            "Maximum concurrent calls; further calls fail with OVERLOADED. Writes with a "
            "request_id that continue after their caller left count as well, among writes."},
    Setting{"max_connections", CountKind{&GatewayConfig::max_connections, 1, 100'000}, "1000",
            "Maximum concurrent connections of callers; further ones are closed at once. The last "
            "eighth is for addresses that have less than their share."},
    Setting{"max_request_bytes", BytesKind{&GatewayConfig::max_request_bytes, kKiB, 4 * kMiB},
            "64KiB", "Maximum size of a caller's message."},
    Setting{"max_response_bytes", BytesKind{&GatewayConfig::max_response_bytes, kKiB, 64 * kMiB},
            "1MiB", "Maximum size of a response body of Passfort."},
    Setting{"max_response_bytes_in_flight",
            BytesKind{&GatewayConfig::max_response_bytes_in_flight, 8 * kMiB, 64 * 1024 * kMiB},
            "64MiB",
            "Memory for large responses of Passfort and what is made of them, up to twice as much "
            "for a moment. Beyond half of it large responses are read one by one, beyond all of it "
            "calls wait before they are sent. At least twice max_response_bytes."},
    Setting{"circuit_breaker", BoolKind{&GatewayConfig::circuit_breaker}, "on",
            "Refuses calls at once while Passfort fails, and asks GET /whoami until it answers."},
    Setting{"passfort_message", BoolKind{&GatewayConfig::passfort_message}, "off",
            "Gives callers Passfort's own words of an error, at most 200 bytes, which may be about "
            "a person. Never those that hold the API key."},
    Setting{"operations_service", BoolKind{&GatewayConfig::operations_service}, "off",
            "Serves passfort.gateway.operations.v1.OperationsService, with which people see and "
            "settle writes whose outcome nobody knows. Needs a store and, unless listen is not "
            "reachable from other machines, authorization_policy_file."},
    Setting{"channelz", BoolKind{&GatewayConfig::channelz}, "off",
            "Serves gRPC's channelz: shows callers' addresses to every caller."},
    Setting{"reflection",
            TextKind{&GatewayConfig::reflection, "auto|on|off", "auto, on or off", ReadReflection},
            "auto",
            "Serves gRPC's reflection, which shows the contract to every caller (grpcurl uses it). "
            "auto: only if listen is not reachable from other machines."},
    Setting{"log_level", LogLevelKind{&GatewayConfig::log_level}, "info",
            "Minimum severity of the lines that are logged."},
};

// Kubernetes sets PASSFORT_GATEWAY_PORT, ..._PORT_50051_TCP and ..._SERVICE_HOST in every pod when
// a Service is called passfort-gateway: a setting of such a name would be set by accident.
constexpr bool IsInjectedByKubernetes(const Setting& setting) {
  return setting.name == "port" || setting.name.starts_with("port_") ||
         setting.name.starts_with("service_");
}
static_assert(std::none_of(kSettings.begin(), kSettings.end(), IsInjectedByKubernetes));

}  // namespace

std::span<const Setting> AllSettings() { return kSettings; }

std::string EnvironmentName(const Setting& setting) {
  return std::string(kEnvironmentPrefix) +
         absl::AsciiStrToUpper(absl::string_view(setting.name.data(), setting.name.size()));
}

}  // namespace gateway
