// Errors that are decided without Passfort.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/rpc/told_errors.h"

namespace gateway {
namespace {

TEST(OwnErrorTest, AnInvalidRequestListsItsFields) {
  ExpectError(
      InvalidRequestError({{"profile_id", "must be a UUID"}, {"product", "is required"}}),
      grpc::StatusCode::INVALID_ARGUMENT,
      "the request is wrong, nothing was done: profile_id must be a UUID; product is required.",
      ExpectedInfo("INVALID_REQUEST", {{"phase", "NOT_SENT"}}) +
          "details { [type.googleapis.com/google.rpc.BadRequest] {"
          "  field_violations { field: 'profile_id' description: 'must be a UUID' }"
          "  field_violations { field: 'product' description: 'is required' } } }");
}

TEST(OwnErrorTest, ATooLargeRequestTellsTheLimit) {
  ExpectError(
      RequestTooLargeError(65536), grpc::StatusCode::INVALID_ARGUMENT,
      "the request is larger than the 65536 bytes that this gateway takes: nothing was "
      "done. Shorten it before calling again.",
      ExpectedInfo("INVALID_REQUEST", {{"phase", "NOT_SENT"}, {"max_request_bytes", "65536"}}));
}

TEST(OwnErrorTest, OverloadIsSafeToRepeat) {
  ExpectError(OverloadedError(""), grpc::StatusCode::RESOURCE_EXHAUSTED,
              "this gateway has as many calls under way as it takes: nothing was done. It is safe "
              "to call again after the delay in RetryInfo.",
              ExpectedInfo("OVERLOADED", {{"phase", "NOT_SENT"}}) + kRetryInASecond);
}

TEST(OwnErrorTest, AnUnknownMethodPointsToReflection) {
  ExpectError(UnknownMethodError(), grpc::StatusCode::UNIMPLEMENTED,
              "this gateway has no such method: nothing was done. Server reflection lists what it "
              "has.",
              ExpectedInfo("UNKNOWN_METHOD", {{"phase", "NOT_SENT"}}));
}

TEST(OwnErrorTest, ADrainOrAnOverloadNamesTheRequestIdButSpeaksOfTheCall) {
  ExpectError(OverloadedError("order-1"), grpc::StatusCode::RESOURCE_EXHAUSTED,
              "this gateway has as many calls under way as it takes: nothing was done. It is safe "
              "to call again after the delay in RetryInfo.",
              ExpectedInfo("OVERLOADED", {{"phase", "NOT_SENT"}}) + kRetryInASecond + kRequestInfo);
  ExpectError(DrainingError("order-1"), grpc::StatusCode::UNAVAILABLE,
              "this gateway is stopping: nothing was done. It is safe to call again; another "
              "replica answers.",
              ExpectedInfo("DRAINING", {{"phase", "NOT_SENT"}}) + kRetryInASecond + kRequestInfo);
}

}  // namespace
}  // namespace gateway
