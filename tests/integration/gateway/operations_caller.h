#ifndef TESTS_INTEGRATION_GATEWAY_OPERATIONS_CALLER_H_
#define TESTS_INTEGRATION_GATEWAY_OPERATIONS_CALLER_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "passfort/gateway/operations/v1/operations_service.grpc.pb.h"
#include "tests/support/read_caller.h"

namespace gateway {

namespace operations_pb = ::passfort::gateway::operations::v1;

// One connection of an operator.
class OperationsCaller {
 public:
  explicit OperationsCaller(const std::string& target) : OperationsCaller(GatewayCaller(target)) {}
  explicit OperationsCaller(GatewayCaller connection)
      : connection_(std::move(connection)),
        stub_(operations_pb::OperationsService::NewStub(connection_.channel())) {}

  ReadAnswer<operations_pb::ListUnresolvedRequestsResponse> List(
      const operations_pb::ListUnresolvedRequestsRequest& request = {}) const {
    return Call(&Stub::ListUnresolvedRequests, request);
  }

  ReadAnswer<operations_pb::GetRequestResponse> Get(const std::string& request_id) const {
    operations_pb::GetRequestRequest request;
    request.set_request_id(request_id);
    return Call(&Stub::GetRequest, request);
  }

  using SettleAnswer = ReadAnswer<operations_pb::SettleRequestResponse>;
  SettleAnswer SettleAsApplication(const std::string& request_id, const std::string& id) const {
    operations_pb::SettleRequestRequest request;
    request.set_request_id(request_id);
    request.set_product_application_id(id);
    return Call(&Stub::SettleRequest, request);
  }
  SettleAnswer SettleAsProfile(const std::string& request_id, const std::string& id) const {
    operations_pb::SettleRequestRequest request;
    request.set_request_id(request_id);
    request.set_profile_id(id);
    return Call(&Stub::SettleRequest, request);
  }
  SettleAnswer SettleAsNotExecuted(const std::string& request_id,
                                   const std::vector<std::string>& looked_at = {}) const {
    operations_pb::SettleRequestRequest request;
    request.set_request_id(request_id);
    auto& not_executed = *request.mutable_not_executed();
    *not_executed.mutable_sent_at() = Get(request_id).response.request().sent_at();
    for (const std::string& id : looked_at) not_executed.add_candidate_ids(id);
    return Call(&Stub::SettleRequest, request);
  }
  SettleAnswer Settle(const operations_pb::SettleRequestRequest& request) const {
    return Call(&Stub::SettleRequest, request);
  }

 private:
  using Stub = operations_pb::OperationsService::Stub;

  template <typename Request, typename Response>
  ReadAnswer<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                         Response*),
                            const Request& request) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallBound);
    ReadAnswer<Response> answer;
    answer.status = (stub_.get()->*method)(&context, request, &answer.response);
    answer.trailers = Received(answer.status, context).trailers;
    return answer;
  }

  GatewayCaller connection_;
  std::unique_ptr<Stub> stub_;
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_OPERATIONS_CALLER_H_
