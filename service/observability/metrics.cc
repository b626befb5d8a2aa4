#include "service/observability/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

#include "service/base/version.h"
#include "service/observability/grpc_refusals.h"
#include "service/observability/metric_family_cache.h"
#include "service/observability/metrics_server.h"
#include "service/observability/process_metrics.h"

namespace gateway {
namespace {

// From a refusal of our own up to the longest `max_deadline` that anyone is likely to set. Dense
// around 60 s, Passfort's own limit, and 65 s, the default of `attempt_timeout`.
const prometheus::Histogram::BucketBoundaries& SecondsBuckets() {
  static const prometheus::Histogram::BucketBoundaries buckets = {
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
      2.5,   5,      10,    20,   30,    45,   60,  66,   90,  150};
  return buckets;
}

// From an embedded store's write to the time-out of a remote one.
const prometheus::Histogram::BucketBoundaries& StoreSecondsBuckets() {
  static const prometheus::Histogram::BucketBoundaries buckets = {
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5};
  return buckets;
}

prometheus::Counter& AddCounter(prometheus::Family<prometheus::Counter>& family,
                                const prometheus::Labels& labels) {
  return family.Add(labels);
}

prometheus::Histogram& AddHistogram(prometheus::Family<prometheus::Histogram>& family,
                                    const prometheus::Labels& labels) {
  return family.Add(labels, SecondsBuckets());
}

prometheus::Histogram& AddStoreHistogram(prometheus::Family<prometheus::Histogram>& family,
                                         const prometheus::Labels& labels) {
  return family.Add(labels, StoreSecondsBuckets());
}

prometheus::Family<prometheus::Counter>& CounterFamily(prometheus::Registry& registry,
                                                       const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Histogram>& HistogramFamily(prometheus::Registry& registry,
                                                           const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& GaugeFamily(prometheus::Registry& registry, const char* name,
                                                   const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

double Seconds(std::chrono::nanoseconds took) {
  return std::chrono::duration<double>(took).count();
}

}  // namespace

struct Metrics::Families {
  // Both are shared with the server's request that collects from them when they go.
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  std::shared_ptr<ProcessMetrics> process = std::make_shared<ProcessMetrics>();

  MetricFamilyCache<prometheus::Counter, 2> started{
      CounterFamily(*registry, "grpc_server_started_total", "Calls that arrived."),
      {"grpc_service", "grpc_method"},
      AddCounter};
  MetricFamilyCache<prometheus::Counter, 3> handled{
      CounterFamily(*registry, "grpc_server_handled_total", "Calls that ended with a reply."),
      {"grpc_service", "grpc_method", "grpc_code"},
      AddCounter};
  MetricFamilyCache<prometheus::Histogram, 2> handling{
      HistogramFamily(*registry, "grpc_server_handling_seconds",
                      "Time from a call's arrival to its reply."),
      {"grpc_service", "grpc_method"},
      AddHistogram};
  MetricFamilyCache<prometheus::Counter, 3> failed{
      CounterFamily(*registry, "passfort_gateway_failed_calls_total",
                    "Calls that ended with an error of the gateway, by its reason."),
      {"grpc_method", "grpc_code", "reason"},
      AddCounter};
  MetricFamilyCache<prometheus::Counter, 2> write_outcomes{
      CounterFamily(*registry, "passfort_gateway_write_outcomes_total",
                    "Calls that write, by what they came to for their callers."),
      {"grpc_method", "outcome"},
      AddCounter};
  MetricFamilyCache<prometheus::Counter, 2> retry_ends{
      CounterFamily(*registry, "passfort_gateway_retry_ends_total",
                    "Calls with attempts to write, by why no further one was made."),
      {"grpc_method", "end"},
      AddCounter};
  MetricFamilyCache<prometheus::Counter, 2> requests{
      CounterFamily(*registry, "passfort_requests_total", "Requests to Passfort that ended."),
      {"endpoint", "outcome"},
      AddCounter};
  MetricFamilyCache<prometheus::Histogram, 1> request_seconds{
      HistogramFamily(*registry, "passfort_request_seconds",
                      "Time from a request to Passfort to its end."),
      {"endpoint"},
      AddHistogram};
  MetricFamilyCache<prometheus::Counter, 2> store_operations{
      CounterFamily(*registry, "passfort_gateway_store_operations_total",
                    "Operations on the store of request_ids that ended."),
      {"operation", "outcome"},
      AddCounter};
  MetricFamilyCache<prometheus::Histogram, 1> store_seconds{
      HistogramFamily(*registry, "passfort_gateway_store_seconds",
                      "Time from the beginning of a store operation to its end."),
      {"operation"},
      AddStoreHistogram};
  // Without a value as long as there is no store.
  prometheus::Family<prometheus::Gauge>& records{
      GaugeFamily(*registry, "passfort_gateway_records", "request_ids that the store remembers.")};
  prometheus::Family<prometheus::Gauge>& unresolved_records{
      GaugeFamily(*registry, "passfort_gateway_unresolved_records",
                  "request_ids whose write has an unknown outcome.")};

  MetricFamilyCache<prometheus::Counter, 1> rate_limit_pauses{
      CounterFamily(*registry, "passfort_rate_limit_pauses_total",
                    "Times that an endpoint was paused because of Passfort's rate limit."),
      {"endpoint"},
      AddCounter};
  prometheus::Gauge& circuit_open =
      prometheus::BuildGauge()
          .Name("passfort_circuit_open")
          .Help("1 while calls are refused because Passfort fails, else 0.")
          .Register(*registry)
          .Add({});

  prometheus::Gauge& connections =
      GaugeFamily(*registry, "passfort_gateway_connections", "Callers' connections that are open.")
          .Add({});
  MetricFamilyCache<prometheus::Counter, 1> connections_refused{
      CounterFamily(*registry, "passfort_gateway_connections_refused_total",
                    "Callers' connections that were closed at once, or could not be accepted."),
      {"reason"},
      AddCounter};
  prometheus::Counter& unread_replies =
      CounterFamily(*registry, "passfort_gateway_unread_answers_total",
                    "Replies that were given up because their callers did not read them.")
          .Add({});
  prometheus::Gauge& response_bytes =
      GaugeFamily(*registry, "passfort_gateway_response_bytes",
                  "Memory that large responses of Passfort take, and what is made of them.")
          .Add({});
  MetricFamilyCache<prometheus::Counter, 1> response_waits{
      CounterFamily(*registry, "passfort_gateway_response_waits_total",
                    "Requests that were not sent, connections that were not read and responses "
                    "that were not used at once, because of the memory that others take."),
      {"wait"},
      AddCounter};
  prometheus::Counter& response_refusals =
      CounterFamily(*registry, "passfort_gateway_response_refusals_total",
                    "Requests to Passfort that were not sent because of that memory.")
          .Add({});
  prometheus::Gauge& max_turn =
      GaugeFamily(*registry, "passfort_gateway_loop_longest_turn_seconds",
                  "Maximum time in the last minute that the event loop worked in one go.")
          .Add({});

  Families() {
    prometheus::BuildGauge()
        .Name("passfort_gateway_build_info")
        .Help("Always 1; the version is in the label.")
        .Register(*registry)
        .Add({{"version", kVersion}})
        .Set(1);
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}

Metrics::~Metrics() = default;

void Metrics::CallStarted(std::string_view service, std::string_view method) {
  families_->started.For({service, method}).Increment();
}

void Metrics::CallHandled(std::string_view service, std::string_view method, std::string_view code,
                          std::chrono::nanoseconds took) {
  families_->handled.For({service, method, code}).Increment();
  families_->handling.For({service, method}).Observe(Seconds(took));
}

void Metrics::CallFailed(std::string_view method, std::string_view code, std::string_view reason) {
  families_->failed.For({method, code, reason}).Increment();
}

void Metrics::WriteFinished(std::string_view method, std::string_view outcome) {
  families_->write_outcomes.For({method, outcome}).Increment();
}

void Metrics::RetriesEnded(std::string_view method, std::string_view end) {
  families_->retry_ends.For({method, end}).Increment();
}

void Metrics::PassfortRequest(std::string_view endpoint, std::string_view outcome,
                              std::chrono::nanoseconds took) {
  families_->requests.For({endpoint, outcome}).Increment();
  families_->request_seconds.For({endpoint}).Observe(Seconds(took));
}

void Metrics::StoreOperation(std::string_view operation, std::string_view outcome,
                             std::chrono::nanoseconds took) {
  families_->store_operations.For({operation, outcome}).Increment();
  families_->store_seconds.For({operation}).Observe(Seconds(took));
}

void Metrics::SetRecordCounts(int64_t records, int64_t unresolved) {
  families_->records.Add({}).Set(static_cast<double>(records));
  families_->unresolved_records.Add({}).Set(static_cast<double>(unresolved));
}

void Metrics::RateLimitPaused(std::string_view endpoint) {
  families_->rate_limit_pauses.For({endpoint}).Increment();
}

void Metrics::SetCircuit(Circuit circuit) {
  families_->circuit_open.Set(circuit == Circuit::kOpen ? 1 : 0);
}

void Metrics::ConnectionsOpen(size_t connections) {
  families_->connections.Set(static_cast<double>(connections));
}

void Metrics::ConnectionRefused(std::string_view reason) {
  families_->connections_refused.For({reason}).Increment();
}

void Metrics::ReplyUnread() { families_->unread_replies.Increment(); }

void Metrics::ResponseBytesChanged(int64_t by) {
  families_->response_bytes.Increment(static_cast<double>(by));
}

void Metrics::ResponseWaits(ResponseWait wait) {
  switch (wait) {
    case ResponseWait::kToSend:
      return families_->response_waits.For({"send"}).Increment();
    case ResponseWait::kToRead:
      return families_->response_waits.For({"read"}).Increment();
    case ResponseWait::kForResult:
      return families_->response_waits.For({"result"}).Increment();
  }
}

void Metrics::ResponseRefused() { families_->response_refusals.Increment(); }

void Metrics::SetMaxTurn(std::chrono::nanoseconds took) { families_->max_turn.Set(Seconds(took)); }

std::string Metrics::Text() const {
  std::vector<prometheus::MetricFamily> families = families_->registry->Collect();
  for (const auto& more : {families_->process->Collect(), CollectGrpcRefusals()}) {
    families.insert(families.end(), more.begin(), more.end());
  }
  return prometheus::TextSerializer().Serialize(families);
}

absl::StatusOr<std::unique_ptr<Metrics::Server>> Metrics::Serve(const std::string& address) {
  return ServeMetrics(address, [this] { return Text(); });
}

}  // namespace gateway
