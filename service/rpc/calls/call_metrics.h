#ifndef SERVICE_RPC_CALLS_CALL_METRICS_H_
#define SERVICE_RPC_CALLS_CALL_METRICS_H_

#include <chrono>
#include <string_view>

#include "service/observability/metrics.h"

namespace gateway {

// Of methods that do not exist, and of their service.
inline constexpr std::string_view kUnknownMethodLabel = "unknown";

// What is counted of calls, whichever service they are for.
struct CallMetrics {
  explicit CallMetrics(Metrics& metrics)
      : started(metrics.AddCounter("grpc_server_started_total", "Calls that arrived.",
                                   {"grpc_service", "grpc_method"})),
        handled(metrics.AddCounter("grpc_server_handled_total", "Calls that ended with a reply.",
                                   {"grpc_service", "grpc_method", "grpc_code"})),
        handling(metrics.AddHistogram("grpc_server_handling_seconds",
                                      "Time from a call's arrival to its reply.",
                                      {"grpc_service", "grpc_method"})),
        failed(metrics.AddCounter("passfort_gateway_failed_calls_total",
                                  "Calls that ended with an error of the gateway, by its reason.",
                                  {"grpc_method", "grpc_code", "reason", "caller"})),
        write_outcomes(
            metrics.AddCounter("passfort_gateway_write_outcomes_total",
                               "Calls that write, by what they came to for their callers.",
                               {"grpc_method", "outcome", "caller"})),
        retry_ends(
            metrics.AddCounter("passfort_gateway_retry_ends_total",
                               "Calls with attempts at a request, by why no further one was made.",
                               {"grpc_method", "end"})),
        in_flight(metrics.AddGauge("passfort_gateway_calls_in_flight",
                                   "Calls that were let in and have no reply yet.")),
        max_in_flight(metrics.AddGauge("passfort_gateway_max_calls_in_flight",
                                       "How many calls are let in at a time.")) {}

  // `code` is the gRPC name, e.g. "OK".
  void Handled(std::string_view service, std::string_view method, std::string_view code,
               std::chrono::nanoseconds took) const {
    handled.Increment({service, method, code});
    handling.Observe(took, {service, method});
  }

  const CounterFamily started;
  const CounterFamily handled;
  const HistogramFamily handling;
  // The reasons are those of the catalogue of errors. `caller` is the CallerIdentity's name.
  const CounterFamily failed;
  // created, replayed, reconciled, existing, refused, not_executed or unknown.
  const CounterFamily write_outcomes;
  // As RetryEndName gives them.
  const CounterFamily retry_ends;
  const Gauge in_flight;
  const Gauge max_in_flight;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_CALL_METRICS_H_
