// passfort-gateway: reads its settings, puts its parts together, serves until SIGTERM or SIGINT,
// and lets the calls under way come to their end.
//
// Exit codes: 0 served and drained, or printed what was asked for; 1 could not start, or a call did
// not end in time; 2 wrong settings.

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/base/clock.h"
#include "service/base/event_loop.h"
#include "service/base/random.h"
#include "service/base/version.h"
#include "service/config/gateway_config.h"
#include "service/http/curl_http_client.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/passfort/api_key_source.h"
#include "service/passfort/plain_writer.h"
#include "service/passfort/rate_limit.h"
#include "service/passfort/rest_passfort_client.h"
#include "service/retry/retry_budget.h"
#include "service/rpc/grpc_server.h"
#include "service/rpc/product_application_service.h"

namespace gateway {
namespace {

enum ExitCode { kFine = 0, kFailed = 1, kWrongSettings = 2 };

// A standard stream that is closed at the start would lend its number to the next file that is
// opened: log lines would go into that one, and libuv ends a process that closes such a number.
void HoldStandardStreams() {
  int descriptor = open("/dev/null", O_RDWR);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = open("/dev/null", O_RDWR);
  if (descriptor >= 0) close(descriptor);
}

// The signals that end the gateway. Blocked before the first thread starts, so that `sigwait` in
// the main thread is the only one to see them.
sigset_t BlockEndingSignals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  return ending;
}

// Every call under way needs a descriptor, and the limit that shells and containers start with is
// often 1024. Nothing to do if it cannot be raised: connections then fail before anything is sent.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

absl::StatusOr<std::unique_ptr<ApiKeySource>> OpenApiKey(const GatewayConfig& config) {
  if (config.api_key_file.empty()) return ApiKeySource::FromValue(config.api_key);
  return ApiKeySource::FromFile(config.api_key_file);
}

CurlHttpClient::Options HttpOptions(const GatewayConfig& config) {
  return {.connect_timeout = config.connect_timeout,
          .idle_connection_timeout = config.idle_connection_timeout,
          .max_response_bytes = static_cast<size_t>(config.max_response_bytes),
          .max_connections = static_cast<size_t>(config.max_in_flight),
          .http2 = config.upstream_http2,
          .ca_file = config.api_ca_file,
          .proxy = config.api_proxy,
          .user_agent = absl::StrCat("passfort-gateway/", kVersion),
          .kept_response_headers = RateLimitHeaderNames()};
}

ProductApplicationService::Options ServiceOptions(const GatewayConfig& config) {
  return {.max_in_flight = static_cast<size_t>(config.max_in_flight),
          .max_request_bytes = static_cast<size_t>(config.max_request_bytes),
          .deadlines = {.default_deadline = config.default_deadline,
                        .max_deadline = config.max_deadline}};
}

GrpcServer::Options ServerOptions(const GatewayConfig& config) {
  return {.listen = config.listen,
          .max_connection_age = config.max_connection_age,
          .channelz = config.channelz ? GrpcServer::Channelz::kOn : GrpcServer::Channelz::kOff};
}

// "host:port" with the port that was really taken.
std::string WithPort(std::string_view listen, int port) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string_view::npos || listen.starts_with("unix:")) return std::string(listen);
  return absl::StrCat(std::string(listen.substr(0, colon)), ":", port);
}

int Fail(Log& log, std::string_view what, const absl::Status& status) {
  const std::string detail(status.message());
  log.Error(what, {{"detail", detail}});
  if (!log.IsOn(LogLevel::kError)) {
    const std::string words(what);
    std::fprintf(stderr, "passfort-gateway: %s: %s\n", words.c_str(), detail.c_str());
  }
  return kFailed;
}

// Every part once, in the order in which they need each other; they go in the reverse order.
int Serve(const GatewayConfig& config, const std::vector<std::string>& warnings,
          const sigset_t& ending) {
  const auto log = Log::ToStandardOutput(config.log_level);
  for (const auto& warning : warnings) log->Warn(warning);
  auto key = OpenApiKey(config);
  if (!key.ok()) return Fail(*log, "cannot start: the API key", key.status());

  Metrics metrics;
  auto loop = EventLoop::Create();
  if (!loop.ok()) return Fail(*log, "cannot start: the event loop", loop.status());
  LoopClock clock(**loop);
  const auto random = MakeSystemRandom();

  auto http = CurlHttpClient::Create(**loop, HttpOptions(config));
  if (!http.ok()) return Fail(*log, "cannot start: the HTTP client", http.status());
  RestPassfortClient passfort(
      {.api_url = config.api_url, .attempt_timeout = config.attempt_timeout}, **http, **key, clock,
      metrics, *log);
  RetryBudget budget({});
  PlainWriter writer(passfort, {.clock = clock, .random = *random, .budget = budget});

  ProductApplicationService service(
      ServiceOptions(config),
      {.loop = **loop, .clock = clock, .writer = writer, .log = *log, .metrics = metrics});
  auto metrics_server = metrics.Serve(config.metrics_listen);
  if (!metrics_server.ok()) {
    return Fail(*log, "cannot start: metrics_listen", metrics_server.status());
  }
  auto server = GrpcServer::Start(ServerOptions(config), service, metrics);
  if (!server.ok()) return Fail(*log, "cannot start: listen", server.status());

  const std::string listen = WithPort(config.listen, (*server)->port());
  const std::string metrics_listen = WithPort(config.metrics_listen, (*metrics_server)->port());
  log->Info("serving", {{"listen", listen},
                        {"metrics_listen", metrics_listen},
                        {"api_url", config.api_url},
                        {"version", kVersion}});

  int received = 0;
  sigwait(&ending, &received);
  log->Info("draining", {{"signal", received == SIGTERM ? "SIGTERM" : "SIGINT"}});
  if (const absl::Status drained = (*server)->Drain(config.drain_timeout); !drained.ok()) {
    Fail(*log, "stopped with calls unanswered", drained);
    // Their reactors still point into the parts above, so nothing is taken down in order. That goes
    // for the log too, whose last line may not be written.
    std::fprintf(stderr, "passfort-gateway: stopped with calls unanswered\n");
    _exit(kFailed);
  }
  log->Info("stopped");
  return kFine;
}

int Main(int argc, char** argv) {
  HoldStandardStreams();
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  std::vector<std::string_view> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);

  const auto parsed = ParseGatewayConfig(arguments, environment);
  if (!parsed.ok()) {
    const std::string message(parsed.status().message());
    std::fprintf(stderr, "passfort-gateway: %s\n", message.c_str());
    return kWrongSettings;
  }
  if (parsed->wanted == ParsedConfig::Wanted::kPrintText) {
    const bool is_written = std::fputs(parsed->text.c_str(), stdout) >= 0;
    return is_written && std::fflush(stdout) == 0 ? kFine : kFailed;
  }
  if (const absl::Status files = CheckFiles(parsed->config); !files.ok()) {
    const std::string message(files.message());
    std::fprintf(stderr, "passfort-gateway: %s\n", message.c_str());
    return kWrongSettings;
  }
  RaiseDescriptorLimit();
  return Serve(parsed->config, parsed->warnings, BlockEndingSignals());
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) { return gateway::Main(argc, argv); }
