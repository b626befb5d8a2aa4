#ifndef SERVICE_OBSERVABILITY_METRICS_H_
#define SERVICE_OBSERVABILITY_METRICS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

// Everything the gateway counts, served as Prometheus text on GET /metrics. Safe from any thread.
// Labels are few and from closed sets: never an id, a name or a URL.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // grpc_server_started_total
  void CallStarted(std::string_view service, std::string_view method);
  // grpc_server_handled_total and grpc_server_handling_seconds. `code` is the gRPC name, e.g. "OK".
  void CallHandled(std::string_view service, std::string_view method, std::string_view code,
                   std::chrono::nanoseconds took);
  // passfort_gateway_failed_calls_total, beside CallHandled: the error that a call ended with.
  // `reason` is one of the catalogue of errors.
  void CallFailed(std::string_view method, std::string_view code, std::string_view reason);
  // passfort_gateway_write_outcomes_total: what a write came to for its caller. `outcome` is
  // created, replayed, reconciled, existing, refused, not_executed or unknown.
  void WriteFinished(std::string_view method, std::string_view outcome);
  // passfort_gateway_retry_ends_total: why no further attempt was made for a call.
  void RetriesEnded(std::string_view method, std::string_view end);
  // passfort_requests_total and passfort_request_seconds. `endpoint` is the template, e.g.
  // "POST /profiles/{profile_id}/applications"; `outcome` as OutcomeName gives it.
  void PassfortRequest(std::string_view endpoint, std::string_view outcome,
                       std::chrono::nanoseconds took);
  // passfort_gateway_store_operations_total and passfort_gateway_store_seconds. `outcome` is ok,
  // away, late or broken.
  void StoreOperation(std::string_view operation, std::string_view outcome,
                      std::chrono::nanoseconds took);
  // passfort_gateway_records and passfort_gateway_unresolved_records: what the store holds.
  void SetRecordCounts(int64_t records, int64_t unresolved);

  // passfort_rate_limit_pauses_total, and passfort_circuit_open: 1 while calls are refused because
  // Passfort fails.
  void RateLimitPaused(std::string_view endpoint);
  enum class Circuit { kClosed, kOpen };
  void SetCircuit(Circuit circuit);

  // passfort_gateway_connections, and passfort_gateway_connections_refused_total. `reason` is
  // max_connections, address_share, descriptors or accept_failed.
  void ConnectionsOpen(size_t connections);
  void ConnectionRefused(std::string_view reason);
  // passfort_gateway_unread_answers_total: answers given up because their callers did not read.
  void ReplyUnread();
  // passfort_gateway_response_bytes: memory that large responses of Passfort take.
  void ResponseBytesChanged(int64_t by);
  // passfort_gateway_response_waits_total. `wait` is send, read or result: what had to wait for the
  // memory of others.
  enum class ResponseWait { kToSend, kToRead, kForResult };
  void ResponseWaits(ResponseWait wait);
  // passfort_gateway_response_refusals_total: requests not sent in the end because of that.
  void ResponseRefused();
  // passfort_gateway_loop_longest_turn_seconds
  void SetMaxTurn(std::chrono::nanoseconds took);

  // The text that GET /metrics answers.
  std::string Text() const;

  // Serves the metrics on `address` ("host:port" with a name or an IPv4 address; port 0 takes
  // a free one) until it is destroyed, which is before the metrics are.
  class Server {
   public:
    virtual ~Server() = default;
    virtual int port() const = 0;
  };
  absl::StatusOr<std::unique_ptr<Server>> Serve(const std::string& address);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_METRICS_H_
