#ifndef TESTS_SUPPORT_READ_CALLER_H_
#define TESTS_SUPPORT_READ_CALLER_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "passfort/gateway/v1/profile_service.grpc.pb.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/grpc_errors.h"

namespace gateway {

// What one read came to.
template <typename Response>
struct ReadAnswer {
  grpc::Status status;
  std::multimap<std::string, std::string> trailers;
  Response response;

  ReceivedError error() const { return {.status = status, .trailers = trailers}; }
};

// One connection to a gateway, for reads.
class ReadCaller {
 public:
  enum class Hidden { kLeftOut, kIncluded };

  explicit ReadCaller(const std::string& target, std::chrono::milliseconds timeout = kCallBound)
      : connection_(target),
        timeout_(timeout),
        applications_(pb::ProductApplicationService::NewStub(connection_.channel())),
        profiles_(pb::ProfileService::NewStub(connection_.channel())) {}

  ReadAnswer<pb::GetProductApplicationResponse> Get(const std::string& profile_id,
                                                    const std::string& application_id) const {
    pb::GetProductApplicationRequest request;
    request.set_profile_id(profile_id);
    request.set_product_application_id(application_id);
    return Call(*applications_, &pb::ProductApplicationService::Stub::GetProductApplication,
                request);
  }

  ReadAnswer<pb::ListProductApplicationsResponse> List(const std::string& profile_id,
                                                       Hidden hidden = Hidden::kLeftOut) const {
    pb::ListProductApplicationsRequest request;
    request.set_profile_id(profile_id);
    request.set_include_hidden(hidden == Hidden::kIncluded);
    return Call(*applications_, &pb::ProductApplicationService::Stub::ListProductApplications,
                request);
  }

  ReadAnswer<pb::CreateProfileResponse> Create(const pb::CreateProfileRequest& request) const {
    return Call(*profiles_, &pb::ProfileService::Stub::CreateProfile, request);
  }

  ReadAnswer<pb::GetProfileResponse> GetProfile(const std::string& profile_id) const {
    pb::GetProfileRequest request;
    request.set_profile_id(profile_id);
    return Call(*profiles_, &pb::ProfileService::Stub::GetProfile, request);
  }

 private:
  template <typename Stub, typename Request, typename Response>
  ReadAnswer<Response> Call(Stub& stub,
                            grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                         Response*),
                            const Request& request) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout_);
    ReadAnswer<Response> answer;
    answer.status = (stub.*method)(&context, request, &answer.response);
    answer.trailers = Received(answer.status, context).trailers;
    return answer;
  }

  GatewayCaller connection_;
  std::chrono::milliseconds timeout_;
  std::unique_ptr<pb::ProductApplicationService::Stub> applications_;
  std::unique_ptr<pb::ProfileService::Stub> profiles_;
};

// Any number of GetProductApplication at a time without a thread for each.
class ManyReads {
 public:
  ManyReads(pb::ProductApplicationService::Stub& stub, const std::string& application_id)
      : stub_(stub) {
    request_.set_profile_id(kProfileId);
    request_.set_product_application_id(application_id);
  }
  // Every call has ended: each has a deadline.
  ~ManyReads() { WaitAndCountOk(); }
  ManyReads(const ManyReads&) = delete;
  ManyReads& operator=(const ManyReads&) = delete;

  void Start() {
    Call& call = calls_.emplace_back();
    call.context.set_deadline(std::chrono::system_clock::now() + kCallBound);
    {
      const std::lock_guard lock(mutex_);
      ++in_flight_;
    }
    stub_.async()->GetProductApplication(&call.context, &request_, &call.response,
                                         [this](const grpc::Status& status) {
                                           const std::lock_guard lock(mutex_);
                                           if (status.ok()) ++ok_;
                                           if (--in_flight_ == 0) all_ended_.notify_all();
                                         });
  }

  int WaitAndCountOk() {
    std::unique_lock lock(mutex_);
    all_ended_.wait(lock, [this] { return in_flight_ == 0; });
    return ok_;
  }

 private:
  struct Call {
    grpc::ClientContext context;
    pb::GetProductApplicationResponse response;
  };

  pb::ProductApplicationService::Stub& stub_;
  pb::GetProductApplicationRequest request_;
  std::deque<Call> calls_;  // a deque: calls in flight keep their addresses
  std::mutex mutex_;
  std::condition_variable all_ended_;
  int in_flight_ = 0;  // guarded by mutex_
  int ok_ = 0;         // guarded by mutex_
};

}  // namespace gateway

#endif  // TESTS_SUPPORT_READ_CALLER_H_
