#ifndef TESTS_SUPPORT_GATEWAY_CALLER_H_
#define TESTS_SUPPORT_GATEWAY_CALLER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "passfort/gateway/v1/product_application_service.grpc.pb.h"
#include "tests/support/grpc_errors.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

inline constexpr char kProfileId[] = "a2c4393a-e219-67a4-5ab4-2186952e9038";

// The guide's call: `forexo_basic` for a profile.
inline pb::AddProductApplicationRequest ARequest() {
  pb::AddProductApplicationRequest request;
  request.set_profile_id(kProfileId);
  request.mutable_product()->set_alias("forexo_basic");
  return request;
}

// The deadline of callers whose test is not about it.
inline constexpr std::chrono::seconds kCallBound{60};

// What one call came to.
struct Answered {
  grpc::Status status;
  std::multimap<std::string, std::string> trailers;
  pb::AddProductApplicationResponse response;

  ReceivedError error() const { return {.status = status, .trailers = trailers}; }
};

// One connection to a gateway, as a stock C++ client makes it.
class GatewayCaller {
 public:
  explicit GatewayCaller(const std::string& target,
                         const std::shared_ptr<grpc::ChannelCredentials>& credentials =
                             grpc::InsecureChannelCredentials()) {
    grpc::ChannelArguments arguments;
    // Otherwise equal channels of a process share one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    channel_ = grpc::CreateCustomChannel(target, credentials, arguments);
    stub_ = pb::ProductApplicationService::NewStub(channel_);
  }
  explicit GatewayCaller(std::shared_ptr<grpc::Channel> channel)
      : channel_(std::move(channel)), stub_(pb::ProductApplicationService::NewStub(channel_)) {}

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  Answered Add(const pb::AddProductApplicationRequest& request = ARequest(),
               std::chrono::milliseconds timeout = kCallBound) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    Answered answered;
    answered.status = stub_->AddProductApplication(&context, request, &answered.response);
    answered.trailers = Received(answered.status, context).trailers;
    return answered;
  }

  // The same, while the test goes on.
  std::future<Answered> StartAdd(const pb::AddProductApplicationRequest& request = ARequest(),
                                 std::chrono::milliseconds timeout = kCallBound) const {
    return std::async(std::launch::async,
                      [this, request, timeout] { return Add(request, timeout); });
  }

  pb::ProductApplicationService::Stub& stub() const { return *stub_; }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<pb::ProductApplicationService::Stub> stub_;
};

// Any number of calls at a time without a thread for each.
class ManyCalls {
 public:
  ManyCalls() = default;
  // Every call has ended: each has a deadline.
  ~ManyCalls() { Wait(); }
  ManyCalls(const ManyCalls&) = delete;
  ManyCalls& operator=(const ManyCalls&) = delete;

  void Start(const GatewayCaller& caller,
             const pb::AddProductApplicationRequest& request = ARequest()) {
    Call& call = calls_.emplace_back();
    call.request = request;
    call.context.set_deadline(std::chrono::system_clock::now() + kCallBound);
    {
      const std::lock_guard lock(mutex_);
      ++in_flight_;
    }
    caller.stub().async()->AddProductApplication(
        &call.context, &call.request, &call.answered.response,
        [this, &call](grpc::Status status) { Ended(call, std::move(status)); });
  }

  // Waits until all have ended and looks at each.
  void ForEach(const std::function<void(const Answered&)>& look) {
    Wait();
    for (const Call& call : calls_) look(call.answered);
  }

 private:
  struct Call {
    grpc::ClientContext context;
    pb::AddProductApplicationRequest request;
    Answered answered;
  };

  void Ended(Call& call, grpc::Status status) {
    call.answered.status = std::move(status);
    call.answered.trailers = Received(call.answered.status, call.context).trailers;
    const std::lock_guard lock(mutex_);
    if (--in_flight_ == 0) all_ended_.notify_all();
  }

  void Wait() {
    std::unique_lock lock(mutex_);
    all_ended_.wait(lock, [this] { return in_flight_ == 0; });
  }

  std::deque<Call> calls_;  // a deque: calls in flight keep their addresses
  std::mutex mutex_;
  std::condition_variable all_ended_;
  size_t in_flight_ = 0;  // guarded by mutex_
};

}  // namespace gateway

#endif  // TESTS_SUPPORT_GATEWAY_CALLER_H_
