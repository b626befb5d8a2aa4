// passfort-gateway: reads its settings, puts its parts together, serves until SIGTERM, SIGINT,
// SIGHUP or SIGQUIT, and lets the calls in flight come to their end.
//
// Exit codes: 0 served and drained, or printed what was asked for; 1 could not start, or a call did
// not end in time; 2 wrong settings.

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "service/app/caller_access.h"
#include "service/app/every_second.h"
#include "service/app/options.h"
#include "service/app/process.h"
#include "service/app/process_status.h"
#include "service/app/status_watch.h"
#include "service/authorization/authz_check.h"
#include "service/base/clock.h"
#include "service/base/event_loop.h"
#include "service/base/random.h"
#include "service/base/version.h"
#include "service/config/address.h"
#include "service/config/descriptor_fit.h"
#include "service/config/gateway_config.h"
#include "service/config/settings_status.h"
#include "service/http/curl_http_client.h"
#include "service/http/response_memory.h"
#include "service/idempotency/at_most_once.h"
#include "service/idempotency/failpoints_from_environment.h"
#include "service/idempotency/write_report.h"
#include "service/observability/last_words.h"
#include "service/observability/log.h"
#include "service/observability/log_status.h"
#include "service/observability/metrics.h"
#include "service/observability/metrics_server.h"
#include "service/observability/operator_pages.h"
#include "service/operations/add_product_application.h"
#include "service/operations/create_profile.h"
#include "service/operations/direct_writer.h"
#include "service/operations/resource_reads.h"
#include "service/passfort/api_key_source.h"
#include "service/passfort/product_application_client.h"
#include "service/passfort/resource_client.h"
#include "service/passfort/rest_transport.h"
#include "service/passfort/throttled_transport.h"
#include "service/resilience/retry_budget.h"
#include "service/rpc/access/served_methods.h"
#include "service/rpc/calls/call_pipeline.h"
#include "service/rpc/grpc_library.h"
#include "service/rpc/grpc_server.h"
#include "service/rpc/library_log.h"
#include "service/rpc/operations_service.h"
#include "service/rpc/product_application_service.h"
#include "service/rpc/profile_service.h"

namespace gateway {
namespace {

enum ExitCode { kOk = 0, kFailed = 1, kWrongSettings = 2 };

void FitToDescriptorLimit(GatewayConfig& config, Log& log) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const std::string warning = FitToDescriptors(limit.rlim_cur, config);
  if (!warning.empty()) log.Warn(warning);
}

absl::StatusOr<std::unique_ptr<ApiKeySource>> OpenApiKey(const GatewayConfig& config) {
  if (config.api_key_file.empty()) return ApiKeySource::FromValue(config.api_key);
  return ApiKeySource::FromFile(config.api_key_file);
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
    WriteLastWords(what, {{"detail", detail}});
  }
  return kFailed;
}

int RefuseSettings(const absl::Status& status) {
  const std::string detail(status.message());
  WriteLastWords("cannot start: the settings", {{"detail", detail}});
  return kWrongSettings;
}

// Something did not end that still points into the parts, so nothing is taken down in order. That
// goes for the log too, whose last line may not be written.
[[noreturn]] void ExitImmediately(CallerAccess& access, Log& log, std::string_view what,
                                  const absl::Status& status) {
  access.RemoveStagedKey();
  Fail(log, what, status);
  WriteLastWords(what);
  _exit(kFailed);
}

// Every part once, in the order in which they need each other; they go in the reverse order.
int Serve(GatewayConfig config, const std::vector<std::string>& warnings, const sigset_t& ending) {
  Metrics metrics;
  auto log = Log::ToStandardOutput(config.log_level, metrics);
  std::optional<LibraryLog> libraries(std::in_place, *log, metrics);
  for (const auto& warning : warnings) log->Warn(warning);
  const int64_t max_in_flight = config.max_in_flight;
  FitToDescriptorLimit(config, *log);
  if (StoreIsVolatile(config.store)) {
    log->Warn(
        "store: it is in memory: request_ids are lost on exit, so a retry after a restart can "
        "create a second application, and callers' daily budgets begin anew");
  }
  if (ServesOtherMachines(config)) WarnOfGrpcFaults(*log);
  auto key = OpenApiKey(config);
  if (!key.ok()) return Fail(*log, "cannot start: the API key", key.status());
  if ((*key)->IsReadableByAnybody()) {
    log->Warn("api_key_file: every user of the machine can read the file; take that right away");
  }

  auto loop = EventLoop::Create();
  if (!loop.ok()) return Fail(*log, "cannot start: the event loop", loop.status());
  LoopClock clock(**loop);
  const auto random = MakeSystemRandom();
  TraceIds trace_ids(*random);

  ResponseMemory memory(**loop, static_cast<size_t>(config.max_response_bytes_in_flight), metrics);
  auto http = CurlHttpClient::Create(**loop, memory, metrics, HttpOptions(config));
  if (!http.ok()) return Fail(*log, "cannot start: the HTTP client", http.status());
  RestTransport rest(RestOptions(config), **http, memory, **key, clock, trace_ids, metrics, *log);
  ThrottledTransport transport(ThrottleOptions(config), rest, clock, *random, trace_ids, metrics,
                               *log);
  ProductApplicationClient passfort(transport);
  RetryBudget budget({});
  const RetryDependencies retries{.clock = clock, .random = *random, .budget = budget};
  ResourceClient resources(transport);
  ResourceReads reads(resources, retries);
  AddProductApplication add_application(passfort);
  ProfileClient profile_client(transport);
  CreateProfile create_profile(profile_client, resources);
  WriteReport write_report(metrics, *log);
  std::unique_ptr<AtMostOnce> once;
  std::optional<AtMostOnceWriter> at_most_once_writer;
  if (!config.store.empty()) {
    auto opened = AtMostOnce::Open(ToAtMostOnceOptions(config),
                                   {.loop = **loop,
                                    .operations = {&add_application, &create_profile},
                                    .clock = clock,
                                    .random = *random,
                                    .trace_ids = trace_ids,
                                    .budget = budget,
                                    .metrics = metrics,
                                    .log = *log,
                                    .observer = write_report,
                                    .fail_point = FailPointsFromEnvironment()});
    if (!opened.ok()) return Fail(*log, "cannot start: store", opened.status());
    once = *std::move(opened);
  }
  BudgetLedger* const budgets = once != nullptr ? &once->budgets() : nullptr;
  DirectWriter direct(passfort, retries, budgets);
  if (once != nullptr) {
    at_most_once_writer.emplace(AtMostOnceWriter::Dependencies{.operation = add_application,
                                                               .coordinator = once->coordinator(),
                                                               .direct = direct,
                                                               .reads = reads,
                                                               .clock = clock});
  }

  ApplicationWriter& writer =
      at_most_once_writer ? static_cast<ApplicationWriter&>(*at_most_once_writer) : direct;
  auto access = CallerAccess::Open(
      AccessOptions(config, max_in_flight),
      {.loop = **loop, .clock = clock, .trace_ids = trace_ids, .log = *log, .metrics = metrics});
  if (!access.ok()) return Fail(*log, "cannot start: who may call", access.status());
  CallPipeline pipeline(PipelineOptions(config), {.loop = **loop,
                                                  .trace_ids = trace_ids,
                                                  .log = *log,
                                                  .metrics = metrics,
                                                  .memory = memory,
                                                  .access = (*access)->control()});
  ProductApplicationService product_applications(
      {.settle_window = config.settle_window},
      {.pipeline = pipeline, .writer = writer, .reads = reads, .clock = clock, .log = *log});
  ProfileWriter profile_writer({.operation = create_profile,
                                .coordinator = once != nullptr ? &once->coordinator() : nullptr,
                                .ledger = budgets,
                                .reads = reads,
                                .retries = retries});
  ProfileService profiles(
      {.executed_within = config.lease_duration + config.attempt_timeout + config.settle_window},
      {.pipeline = pipeline, .writer = profile_writer, .reads = reads, .clock = clock});
  std::optional<OperationsService> operations;
  std::vector<GrpcServer::Service> services = {
      {ProductApplicationService::kName, product_applications}, {ProfileService::kName, profiles}};
  if (config.operations_service) {
    operations.emplace(OperationsService::Options{.settle_window = config.settle_window},
                       OperationsService::Dependencies{.pipeline = pipeline,
                                                       .records = once->records(),
                                                       .settler = once->settler(),
                                                       .clock = clock});
    services.push_back({OperationsService::kName, *operations});
  }
  OperatorPages pages(metrics);
  auto metrics_server = MetricsServer::Start(
      config.metrics_listen, [&pages](std::string_view path) { return pages.Get(path); });
  if (!metrics_server.ok()) {
    return Fail(*log, "cannot start: metrics_listen", metrics_server.status());
  }
  auto server = GrpcServer::Start(ServerOptions(config, **access, pages), services, pipeline,
                                  **loop, metrics);
  if (!server.ok()) return Fail(*log, "cannot start: listen", server.status());
  if (once != nullptr) once->StartReconciling();

  std::optional<EverySecond> key_looks;
  key_looks.emplace(**loop, [&rest] { rest.LookAtKey(); });
  const ProcessStatus process_status({.grpc = GrpcLibrary(),
                                      .callers = std::string(CallersInWords(config)),
                                      .store = std::string(StoreInWords(config))});
  const LogStatus log_status(*log);
  const SettingsStatus settings_status(config);
  std::vector<const StatusSource*> sources = {&process_status, &transport, &**http, &rest};
  if (once != nullptr) sources.push_back(once.get());
  sources.insert(sources.end(),
                 {server->get(), &pipeline, access->get(), &log_status, &settings_status});
  std::optional<StatusWatch> status_watch;
  status_watch.emplace(
      StatusWatch::Dependencies{.loop = **loop, .pages = pages, .sources = std::move(sources)});

  const std::string listen = WithPort(config.listen, (*server)->port());
  const std::string metrics_listen = WithPort(config.metrics_listen, (*metrics_server)->port());
  const std::string health_listen = WithPort(config.health_listen, (*server)->health_port());
  log->Info("serving", {{"listen", listen},
                        {"metrics_listen", metrics_listen},
                        {"health_listen", health_listen},
                        {"callers", CallersInWords(config)},
                        {"api_url", config.api_url},
                        {"store", StoreInWords(config)},
                        {"grpc", GrpcLibrary()},
                        {"version", kVersion}});

  int received = 0;
  sigwait(&ending, &received);
  const char* const name = sigabbrev_np(received);
  log->Info("draining", {{"signal", absl::StrCat("SIG", name == nullptr ? "" : name)}});
  if (const absl::Status drained = (*server)->Drain(config.drain_timeout); !drained.ok()) {
    ExitImmediately(**access, *log, "shutdown: calls still running", drained);
  }
  if (const auto stopped = once != nullptr ? once->Stop() : absl::OkStatus(); !stopped.ok()) {
    ExitImmediately(**access, *log, "shutdown: store still busy", stopped);
  }
  status_watch.reset();
  key_looks.reset();
  (*loop)->RunAndWait([&transport] { transport.Stop(); });
  log->Info("stopped");
  if (!(*server)->has_grpc_ended()) {
    (*access)->RemoveStagedKey();
    libraries.reset();
    log.reset();  // the last line is written
    _exit(kOk);
  }
  return kOk;
}

// `passfort-gateway authz check FILE ...`: asks a policy, and serves nothing.
int AskPolicy(std::span<const std::string_view> arguments) {
  if (arguments.empty() || arguments.front() != "check") {
    std::fputs("passfort-gateway: authz: want `authz check FILE --principal P --method M`\n",
               stderr);
    return kAuthzError;
  }
  const std::vector<std::string> methods = ServedMethods();
  const std::vector<std::string_view> views(methods.begin(), methods.end());
  return AuthzCheck(arguments.subspan(1), views, std::cout, std::cerr);
}

int Main(int argc, char** argv) {
  ShieldProcess();
  ReserveStandardStreams();
  ReportAborts();
  const std::vector<std::string> unset = UnsetLibraryVariables();
  BoundGrpcReads();
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments.front() == "authz") {
    return AskPolicy(std::span(arguments).subspan(1));
  }
  std::vector<std::string_view> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);

  auto parsed = ParseGatewayConfig(arguments, environment);
  EraseSettingVariables();
  if (!parsed.ok()) {
    return RefuseSettings(parsed.status());
  }
  if (parsed->action == ParsedConfig::Action::kPrintText) {
    const bool is_written = std::fputs(parsed->text.c_str(), stdout) >= 0;
    return is_written && std::fflush(stdout) == 0 ? kOk : kFailed;
  }
  if (const absl::Status files = CheckFiles(parsed->config); !files.ok()) {
    return RefuseSettings(files);
  }
  if (const absl::Status allocator = CheckAllocatorVariables(unset); !allocator.ok()) {
    return RefuseSettings(allocator);
  }
  if (!unset.empty()) {
    parsed->warnings.push_back(
        absl::StrCat("variables of the environment that would steer libraries are ignored: ",
                     absl::StrJoin(unset, ", ")));
  }
  RaiseDescriptorLimit();
  return Serve(parsed->config, parsed->warnings, BlockTerminationSignals());
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) { return gateway::Main(argc, argv); }
