// Errors that are decided without Passfort.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/rpc/expected_errors.h"

namespace gateway {
namespace {

TEST(OwnErrorTest, AnInvalidRequestListsItsFields) {
  ExpectError(InvalidRequestError({{"profile_id", "must be a UUID"}, {"product", "is required"}}),
              grpc::StatusCode::INVALID_ARGUMENT,
              "invalid request, nothing was sent: profile_id must be a UUID; product is required.",
              ExpectedInfo("INVALID_REQUEST", {{"phase", "NOT_SENT"}}) +
                  "details { [type.googleapis.com/google.rpc.BadRequest] {"
                  "  field_violations { field: 'profile_id' description: 'must be a UUID' }"
                  "  field_violations { field: 'product' description: 'is required' } } }");
}

TEST(OwnErrorTest, ATooLargeRequestTellsTheLimit) {
  ExpectError(
      RequestTooLargeError(65536), grpc::StatusCode::INVALID_ARGUMENT,
      "the request exceeds max_request_bytes (65536): nothing was sent. Shorten it and try again.",
      ExpectedInfo("INVALID_REQUEST", {{"phase", "NOT_SENT"}, {"max_request_bytes", "65536"}}));
}

TEST(OwnErrorTest, OverloadIsSafeToRepeat) {
  ExpectError(
      OverloadedError(""), grpc::StatusCode::RESOURCE_EXHAUSTED,
      "the gateway is at its concurrency limit: nothing was sent. It is safe to retry after "
      "the delay in RetryInfo.",
      ExpectedInfo("OVERLOADED", {{"phase", "NOT_SENT"}}) + kRetryInASecond);
}

TEST(OwnErrorTest, AnUnknownMethodPointsToReflection) {
  ExpectError(UnknownMethodError(), grpc::StatusCode::UNIMPLEMENTED,
              "unknown method: nothing was sent. Use server reflection to list the methods.",
              ExpectedInfo("UNKNOWN_METHOD", {{"phase", "NOT_SENT"}}));
}

TEST(OwnErrorTest, ADrainOrAnOverloadNamesTheRequestIdButSpeaksOfTheCall) {
  ExpectError(
      OverloadedError("order-1"), grpc::StatusCode::RESOURCE_EXHAUSTED,
      "the gateway is at its concurrency limit: nothing was sent. It is safe to retry after "
      "the delay in RetryInfo.",
      ExpectedInfo("OVERLOADED", {{"phase", "NOT_SENT"}}) + kRetryInASecond + kRequestInfo);
  ExpectError(
      DrainingError("order-1"), grpc::StatusCode::UNAVAILABLE,
      "the gateway is shutting down: this call executed nothing. It is safe to retry; another "
      "replica will answer.",
      ExpectedInfo("DRAINING", {{"phase", "NOT_SENT"}}) + kRetryInASecond + kRequestInfo);
}

}  // namespace
}  // namespace gateway
