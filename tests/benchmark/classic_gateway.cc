// bench-classic API_URL API_KEY (no secret: the benchmark's Passfort takes any key)
//
// The gateway as a careful team writes it without asynchronous code: gRPC's synchronous API, a
// thread for each call, pooled libcurl easy handles that keep their connections, the same request
// to Passfort, and the gateway's own JSON mapping, so that the comparison is about the
// architecture. It checks no request, writes no log and keeps no metrics: the comparison errs in
// its favour.

#include <curl/curl.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "passfort/gateway/v1/product_application_service.grpc.pb.h"
#include "service/passfort/mapping/product_application_json.h"
#include "tests/benchmark/peer_server.h"

namespace gateway::benchmark {
namespace {

// Threads that may wait for a call, so that those of a busy time are kept for the next call. gRPC's
// default of 2 ends and starts threads all the time (tried: from 2 to 64 the cost hardly differs).
constexpr int kWaitingThreads = 64;
constexpr std::chrono::milliseconds kAttemptTimeout = std::chrono::seconds(65);

struct CurlCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, CurlCleanup>;

struct HeadersCleanup {
  void operator()(curl_slist* headers) const { curl_slist_free_all(headers); }
};
using Headers = std::unique_ptr<curl_slist, HeadersCleanup>;

size_t AppendToString(char* data, size_t /*size*/, size_t length, void* text) {
  static_cast<std::string*>(text)->append(data, length);
  return length;
}

// Easy handles between two calls, each with its open connection. The last one back is the first one
// out, so no more connections are in use than there are calls.
class EasyHandlePool {
 public:
  explicit EasyHandlePool(const std::string& api_key) {
    for (const std::string& header : {std::string("Content-Type: application/json"),
                                      std::string("Expect:"), "apikey: " + api_key}) {
      headers_.reset(curl_slist_append(headers_.release(), header.c_str()));
    }
  }

  EasyHandle Take() {
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        EasyHandle handle = std::move(idle_.back());
        idle_.pop_back();
        return handle;
      }
    }
    return NewHandle();
  }

  void Return(EasyHandle handle) {
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(handle));
  }

 private:
  EasyHandle NewHandle() const {
    EasyHandle handle(curl_easy_init());
    curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(handle.get(), CURLOPT_USERAGENT, "bench-classic");
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, AppendToString);
    curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle.get(), CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    return handle;
  }

  Headers headers_;
  std::mutex mutex_;
  std::vector<EasyHandle> idle_;  // guarded by mutex_
};

std::string RequestBody(const pb::AddProductApplicationRequest& request) {
  nlohmann::json body;
  if (request.product().alias().empty()) {
    body["product"]["id"] = request.product().id();
  } else {
    body["product"]["alias"] = request.product().alias();
  }
  if (request.associated_role() != pb::ASSOCIATED_ROLE_UNSPECIFIED) {
    body["associated_role"] = AssociatedRoleJsonName(request.associated_role());
  }
  return body.dump();
}

class ClassicService final : public pb::ProductApplicationService::Service {
 public:
  ClassicService(std::string api_url, const std::string& api_key)
      : api_url_(std::move(api_url)), handles_(api_key) {}

  grpc::Status AddProductApplication(grpc::ServerContext* context,
                                     const pb::AddProductApplicationRequest* request,
                                     pb::AddProductApplicationResponse* response) override {
    const std::string url = api_url_ + "/profiles/" + request->profile_id() + "/applications";
    const std::string body = RequestBody(*request);
    const auto time_left = std::chrono::duration_cast<std::chrono::milliseconds>(
        context->deadline() - std::chrono::system_clock::now());
    const auto timeout = std::clamp(time_left, std::chrono::milliseconds(1), kAttemptTimeout);
    std::string answer;

    EasyHandle handle = handles_.Take();
    curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &answer);
    const CURLcode result = curl_easy_perform(handle.get());
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    handles_.Return(std::move(handle));

    if (result != CURLE_OK) return {grpc::StatusCode::UNKNOWN, curl_easy_strerror(result)};
    if (status != 200) return {grpc::StatusCode::UNKNOWN, "HTTP " + std::to_string(status)};
    std::optional<pb::ProductApplication> application = ReadProductApplication(answer);
    if (!application) return {grpc::StatusCode::UNKNOWN, "the answer is no product application"};
    *response->mutable_product_application() = *std::move(application);
    answered_.fetch_add(1, std::memory_order_relaxed);
    return grpc::Status::OK;
  }

  const AnsweredCalls& answered() const { return answered_; }

 private:
  const std::string api_url_;
  EasyHandlePool handles_;
  AnsweredCalls answered_ = 0;
};

int Main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: bench-classic API_URL API_KEY\n";
    return 2;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  ClassicService service(argv[1], argv[2]);
  grpc::ServerBuilder builder;
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, kWaitingThreads);
  return ServeUntilSignal(builder, service, service.answered());
}

}  // namespace
}  // namespace gateway::benchmark

int main(int argc, char** argv) { return gateway::benchmark::Main(argc, argv); }
