#ifndef TESTS_SUPPORT_CALL_PATH_H_
#define TESTS_SUPPORT_CALL_PATH_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <future>
#include <string>
#include <utility>

#include "tests/support/gateway_caller.h"

namespace gateway {

// Calls "/package.Service/Method", whether it exists or not, with an empty message.
inline Answered CallPath(const GatewayCaller& caller, const std::string& path) {
  grpc::GenericStub stub(caller.channel());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallBound);
  const grpc::ByteBuffer request(nullptr, 0);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, path, grpc::StubOptions(), &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  Answered answered;
  answered.status = done.get_future().get();
  answered.trailers = Received(answered.status, context).trailers;
  return answered;
}

}  // namespace gateway

#endif  // TESTS_SUPPORT_CALL_PATH_H_
