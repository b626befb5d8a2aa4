#include "service/rpc/health_service.h"

#include <utility>

#include "service/rpc/calls/tsan_annotations.h"

namespace gateway {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// The whole has no name.
std::set<std::string> WithTheWhole(const std::vector<std::string>& services) {
  std::set<std::string> names(services.begin(), services.end());
  names.emplace();
  return names;
}

// A stream that ends as it begins.
class RefusedWatch final : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  explicit RefusedWatch(grpc::Status status) {
    AnnotateHappensBefore(this);
    Finish(std::move(status));
  }
  void OnDone() override {
    AnnotateHappensAfter(this);
    delete this;
  }
};

}  // namespace

// One watch. What gRPC calls and what the service tells it come from any thread, so all of it is
// guarded by the service's mutex.
class HealthService::OpenWatch final : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  OpenWatch(HealthService& service, bool is_known) : service_(service), is_known_(is_known) {
    AnnotateHappensBefore(this);
  }

  // The state now; later, whenever it is another one than was told. With the mutex.
  void Report() {
    const Status now = is_known_ ? service_.status() : HealthCheckResponse::SERVICE_UNKNOWN;
    if (is_writing_ || has_ended_ || now == reported_) return;
    reported_ = now;
    response_.set_status(now);
    is_writing_ = true;
    StartWrite(&response_);
  }

  void OnWriteDone(bool ok) override {
    AnnotateHappensAfter(this);
    const std::lock_guard lock(service_.mutex_);
    is_writing_ = false;
    if (ok) Report();
  }
  void OnCancel() override {
    AnnotateHappensAfter(this);
    const std::lock_guard lock(service_.mutex_);
    if (std::exchange(has_ended_, true)) return;
    Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the watch ended"));
  }
  void OnDone() override {
    AnnotateHappensAfter(this);
    {
      const std::lock_guard lock(service_.mutex_);
      service_.watches_.erase(this);
    }
    delete this;
  }

 private:
  HealthService& service_;
  const bool is_known_;
  HealthCheckResponse response_;  // gRPC's while is_writing_
  std::optional<Status> reported_;
  bool is_writing_ = false;
  bool has_ended_ = false;
};

HealthService::HealthService(const AccessControl& access, const std::vector<std::string>& services)
    : access_(access), services_(WithTheWhole(services)) {}

void HealthService::ReportStateTo(std::function<void(bool is_serving)> listener) {
  const std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
  Report();
}

void HealthService::SetServing(bool is_serving) {
  const std::lock_guard lock(mutex_);
  is_serving_ = is_serving;
  Report();
}

void HealthService::BeginDrain() {
  const std::lock_guard lock(mutex_);
  is_draining_ = true;
  Report();
}

HealthService::Status HealthService::status() const {
  return is_serving_ && !is_draining_ ? HealthCheckResponse::SERVING
                                      : HealthCheckResponse::NOT_SERVING;
}

void HealthService::Report() {
  listener_(status() == HealthCheckResponse::SERVING);
  for (OpenWatch* const watch : watches_) watch->Report();
}

std::optional<grpc::Status> HealthService::Refuse(grpc::CallbackServerContext& context,
                                                  std::string_view method) const {
  std::string path = "/";
  path.append(kName).append("/").append(method);
  auto denial = access_.AdmitBuiltin(context, path);
  if (!denial.has_value()) return std::nullopt;
  for (const auto& [name, value] : denial->trailers) context.AddTrailingMetadata(name, value);
  return std::move(denial->status);
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const HealthCheckRequest* request,
                                               HealthCheckResponse* response) {
  auto* const reactor = context->DefaultReactor();
  if (auto refusal = Refuse(*context, "Check")) {
    reactor->Finish(*std::move(refusal));
  } else if (!Knows(request->service())) {
    reactor->Finish(grpc::Status(grpc::StatusCode::NOT_FOUND, "unknown service"));
  } else {
    {
      const std::lock_guard lock(mutex_);
      response->set_status(status());
    }
    reactor->Finish(grpc::Status::OK);
  }
  return reactor;
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(
    grpc::CallbackServerContext* context, const HealthCheckRequest* request) {
  if (auto refusal = Refuse(*context, "Watch")) return new RefusedWatch(*std::move(refusal));
  const std::lock_guard lock(mutex_);
  if (watches_.size() >= kMaxWatches) {
    return new RefusedWatch(
        grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many watches at a time"));
  }
  auto* const watch = new OpenWatch(*this, Knows(request->service()));
  watches_.insert(watch);
  watch->Report();
  return watch;
}

}  // namespace gateway
