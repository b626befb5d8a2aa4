#include "service/rpc/builtin_service_metrics.h"

#include <google/protobuf/descriptor.h>

#include <chrono>
#include <optional>

#include "absl/strings/str_cat.h"
#include "service/base/trace_context.h"
#include "service/rpc/calls/call_trace.h"
#include "service/rpc/error_catalog.h"

namespace gateway {
namespace {

using google::protobuf::DescriptorPool;
using grpc::experimental::InterceptionHookPoints;

// Of a call that gets a line.
std::optional<TraceContext> TraceIfLogged(const grpc::ServerContextBase& context,
                                          const CallLog& log) {
  if (!log.log.IsOn(LogLevel::kDebug)) return std::nullopt;
  return TraceOf(context.client_metadata(), log.trace_ids);
}

// Counts one call, and logs it if it has a trace: when its status goes out or, if none ever does,
// when gRPC lets go of it.
class CallCounter final : public grpc::experimental::Interceptor {
 public:
  // The names outlive the call.
  CallCounter(const CallMetrics& metrics, Log& log, std::string_view service,
              std::string_view method, std::optional<TraceContext> trace)
      : metrics_(metrics), log_(log), service_(service), method_(method), trace_(std::move(trace)) {
    metrics_.started.Increment({service_, method_});
  }
  ~CallCounter() override {
    if (!handled_) Handled(grpc::StatusCode::CANCELLED);
  }

  void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      Handled(batch->GetSendStatus().error_code());
    }
    batch->Proceed();
  }

 private:
  void Handled(grpc::StatusCode code) {
    handled_ = true;
    const auto took = std::chrono::steady_clock::now() - started_at_;
    metrics_.Handled(service_, method_, GrpcCodeName(code), took);
    if (!trace_) return;
    log_.Debug(kCallLine, {{"service", service_},
                           {"method", method_},
                           {"code", GrpcCodeName(code)},
                           {"duration_seconds", std::chrono::duration<double>(took).count()},
                           {"trace_id", trace_->trace_id()}});
  }

  const CallMetrics& metrics_;
  Log& log_;
  const std::string_view service_;
  const std::string_view method_;
  const std::optional<TraceContext> trace_;
  const std::chrono::steady_clock::time_point started_at_ = std::chrono::steady_clock::now();
  bool handled_ = false;
};

}  // namespace

BuiltinServiceMetrics::BuiltinServiceMetrics(const CallMetrics& metrics, CallLog log,
                                             const std::vector<std::string>& counted,
                                             const std::vector<std::string>& counting_themselves)
    : metrics_(metrics), log_(log) {
  const auto add = [this](const std::vector<std::string>& services, Labels::CountedBy counted_by) {
    for (const std::string& name : services) {
      const auto* service = DescriptorPool::generated_pool()->FindServiceByName(name);
      for (int i = 0; service != nullptr && i < service->method_count(); ++i) {
        const std::string method(service->method(i)->name());
        labels_.insert({absl::StrCat("/", name, "/", method),
                        {.service = name, .method = method, .counted_by = counted_by}});
      }
    }
  };
  add(counted, Labels::CountedBy::kUs);
  add(counting_themselves, Labels::CountedBy::kItself);
}

grpc::experimental::Interceptor* BuiltinServiceMetrics::CreateServerInterceptor(
    grpc::experimental::ServerRpcInfo* info) {
  const auto found = labels_.find(info->method());
  // Whoever answers those tells more of them.
  if (found == labels_.end()) {
    return new CallCounter(metrics_, log_.log, kUnknownMethodLabel, kUnknownMethodLabel,
                           std::nullopt);
  }
  const Labels& labels = found->second;
  if (labels.counted_by == Labels::CountedBy::kItself) return nullptr;
  return new CallCounter(metrics_, log_.log, labels.service, labels.method,
                         TraceIfLogged(*info->server_context(), log_));
}

}  // namespace gateway
