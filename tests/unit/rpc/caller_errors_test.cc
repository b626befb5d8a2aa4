// What is told to callers whom the policy or the callers file refuses.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/rpc/access/access_errors.h"
#include "tests/unit/rpc/expected_errors.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

const CallerIdentity kCaller = {.name = "onboarding", .principal = "spiffe://example.org/sa/desk"};
constexpr char kPath[] = "/passfort.gateway.v1.ProductApplicationService/AddProductApplication";

std::vector<std::pair<std::string, std::string>> AboutTheCaller() {
  return {{"phase", "NOT_SENT"}, {"method", kPath}, {"principal", kCaller.principal}};
}

TEST(CallerErrorTest, ARuleIsNamedInTheLogOnly) {
  const CallError error = CallerNotAllowedError(kPath, kCaller, "no support", "2e9e1125098b19d1");
  ExpectError(error, grpc::StatusCode::PERMISSION_DENIED,
              "the gateway\\'s authorization policy does not let this caller do this: nothing was "
              "sent. Ask the operator of the gateway for a rule that does.",
              ExpectedInfo("CALLER_NOT_ALLOWED", AboutTheCaller()));
  EXPECT_THAT(error.log_fields,
              ElementsAre(Pair("rule", "no support"), Pair("policy", "2e9e1125098b19d1")));
}

TEST(CallerErrorTest, ACallerWithoutAnEntryIsToldSo) {
  const CallError error = CallerWithoutEntryError(kPath, kCaller);
  ExpectError(
      error, grpc::StatusCode::PERMISSION_DENIED,
      "the gateway\\'s callers file has no entry for this caller: nothing was sent. Ask the "
      "operator of the gateway for one.",
      ExpectedInfo("CALLER_NOT_ALLOWED", AboutTheCaller()));
  EXPECT_THAT(error.log_fields, ElementsAre(Pair("callers_file", "no entry")));
}

TEST(CallerErrorTest, AProductIsNamedByItsPlaceInTheRequest) {
  auto metadata = AboutTheCaller();
  metadata.emplace_back("field", "product_applications[2].product.id");
  const CallError error =
      ProductNotAllowedError(kPath, kCaller, "product_applications[2].product.id", "order-1");
  ExpectError(
      error, grpc::StatusCode::PERMISSION_DENIED,
      "the product in product_applications[2].product.id is none of those that the "
      "gateway\\'s callers file lists for this caller: nothing was sent. Ask the operator of "
      "the gateway to add it.",
      ExpectedInfo("CALLER_NOT_ALLOWED", metadata) + kRequestInfo);
  EXPECT_THAT(error.log_fields, ElementsAre(Pair("field", "product_applications[2].product.id")));
}

TEST(CallerErrorTest, AMadeUpMethodIsNotSentBack) {
  const CallError error = CallerWithoutEntryError("/a\nb", kCaller);
  EXPECT_FALSE(DetailOf<google::rpc::ErrorInfo>(error.status).metadata().contains("method"));
}

TEST(CallerErrorTest, ACallerAtItsConcurrencyLimitMayRetry) {
  ExpectError(
      CallerOverloadedError("order-1"), grpc::StatusCode::RESOURCE_EXHAUSTED,
      "the concurrency limit for this caller is reached: nothing was sent. It is safe to "
      "retry after the delay in RetryInfo.",
      ExpectedInfo("CALLER_OVERLOADED", {{"phase", "NOT_SENT"}}) + kRetryInASecond + kRequestInfo);
}

TEST(CallerErrorTest, ACallerAtItsRateIsToldHowLongToWait) {
  ExpectError(CallerRateReachedError(Milliseconds(2250)), grpc::StatusCode::RESOURCE_EXHAUSTED,
              "the limit of calls per minute for this caller is reached: nothing was sent. It is "
              "safe to retry after the delay in RetryInfo.",
              ExpectedInfo("CALLER_RATE_REACHED", {{"phase", "NOT_SENT"}}) +
                  "details { [type.googleapis.com/google.rpc.RetryInfo] {"
                  "  retry_delay { seconds: 2 nanos: 250000000 } } }");
}

}  // namespace
}  // namespace gateway
