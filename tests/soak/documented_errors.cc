#include "tests/soak/documented_errors.h"

#include <algorithm>
#include <iterator>

namespace gateway::soak {
namespace {

using enum grpc::StatusCode;

struct Row {
  grpc::StatusCode code;
  std::string_view reason;
  Promise promise;
};

constexpr Row kRows[] = {
    {INVALID_ARGUMENT, "INVALID_REQUEST", Promise::kNotDone},
    {INVALID_ARGUMENT, "REQUEST_ID_REUSED", Promise::kNotDone},
    {INVALID_ARGUMENT, "PASSFORT_REJECTED_INPUT", Promise::kNotDone},
    {NOT_FOUND, "PASSFORT_NOT_FOUND", Promise::kNotDone},
    {PERMISSION_DENIED, "PASSFORT_FORBIDDEN", Promise::kNotDone},
    {ALREADY_EXISTS, "PASSFORT_CONFLICT", Promise::kNotDone},
    {FAILED_PRECONDITION, "PASSFORT_PRECONDITION", Promise::kNotDone},
    {FAILED_PRECONDITION, "REQUEST_ID_NEEDS_STORE", Promise::kNotDone},
    {INTERNAL, "GATEWAY_CREDENTIALS_REFUSED", Promise::kNotDone},
    {INTERNAL, "API_URL_REDIRECTS", Promise::kNotDone},
    {INTERNAL, "PASSFORT_ANSWER_UNREADABLE", Promise::kNotDone},
    {UNAVAILABLE, "PASSFORT_UNREACHABLE", Promise::kNotDoneMayRepeat},
    {UNAVAILABLE, "PASSFORT_FAILED", Promise::kNotDoneMayRepeat},
    {UNAVAILABLE, "CIRCUIT_OPEN", Promise::kNotDoneMayRepeat},
    {UNAVAILABLE, "WRITE_IN_PROGRESS", Promise::kNotDoneMayRepeat},
    {UNAVAILABLE, "NOT_CREATED", Promise::kNotDoneMayRepeat},
    {UNAVAILABLE, "STORE_UNAVAILABLE", Promise::kNotDoneMayRepeat},
    {INTERNAL, "STORE_BROKEN", Promise::kNotDone},
    {UNAVAILABLE, "DRAINING", Promise::kNotDoneMayRepeat},
    {RESOURCE_EXHAUSTED, "RATE_LIMITED", Promise::kNotDoneMayRepeat},
    {RESOURCE_EXHAUSTED, "OVERLOADED", Promise::kNotDoneMayRepeat},
    {RESOURCE_EXHAUSTED, "CALLER_OVERLOADED", Promise::kNotDoneMayRepeat},
    {RESOURCE_EXHAUSTED, "CALLER_RATE_REACHED", Promise::kNotDoneMayRepeat},
    {RESOURCE_EXHAUSTED, "CALLER_BUDGET_REACHED", Promise::kNotDone},
    {RESOURCE_EXHAUSTED, "STORE_FULL", Promise::kNotDoneMayRepeat},
    {RESOURCE_EXHAUSTED, "QUOTA_REACHED", Promise::kNotDone},
    {DEADLINE_EXCEEDED, "NOT_SENT", Promise::kNotDoneMayRepeat},
    {UNKNOWN, "OUTCOME_UNKNOWN", Promise::kNotKnown},
};

}  // namespace

Promise PromiseOf(grpc::StatusCode code, std::string_view reason) {
  const auto* const row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& it) {
    return it.code == code && it.reason == reason;
  });
  return row == std::end(kRows) ? Promise::kNotDocumented : row->promise;
}

}  // namespace gateway::soak
