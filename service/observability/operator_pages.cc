#include "service/observability/operator_pages.h"

#include <chrono>
#include <utility>

#include "service/observability/status_rendering.h"

namespace gateway {
namespace {

constexpr char kOk[] = "200 OK";
constexpr char kPlainText[] = "text/plain; charset=utf-8";

std::chrono::system_clock::time_point Now() { return std::chrono::system_clock::now(); }

}  // namespace

OperatorPages::OperatorPages(const Metrics& metrics)
    : metrics_(metrics), report_(std::make_shared<const StatusReport>(StatusReport{.at = Now()})) {}

void OperatorPages::Show(StatusReport report) {
  auto shown = std::make_shared<const StatusReport>(std::move(report));
  const std::lock_guard lock(mutex_);
  report_.swap(shown);
}

std::shared_ptr<const StatusReport> OperatorPages::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

HttpPage OperatorPages::Get(std::string_view path) const {
  if (path == "/metrics") {
    return {.status = kOk,
            .content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = metrics_.Text()};
  }
  if (path == "/") {
    return {.status = kOk,
            .content_type = "text/html; charset=utf-8",
            .body = StatusHtml(*report(), Now())};
  }
  if (path == "/statusz.json") {
    return {.status = kOk,
            .content_type = "application/json; charset=utf-8",
            .body = StatusJson(*report(), Now())};
  }
  if (path == "/healthz") return Health();
  return {.status = "404 Not Found",
          .content_type = kPlainText,
          .body = "there are /, /statusz.json, /healthz and /metrics\n"};
}

HttpPage OperatorPages::Health() const {
  if (is_serving_) return {.status = kOk, .content_type = kPlainText, .body = "SERVING\n"};
  return {.status = "503 Service Unavailable", .content_type = kPlainText, .body = "NOT_SERVING\n"};
}

}  // namespace gateway
