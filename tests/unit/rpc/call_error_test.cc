#include "service/rpc/call_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/rpc/expected_errors.h"

namespace gateway {
namespace {

TEST(TrailerSizeTest, StaysBelow8KibibytesInTheWorstCases) {
  // 200 bytes is the longest message that ResponseSummary holds.
  const std::string longest(200, '\x7f');
  const CallError ambiguous = ErrorWithoutRequestId(
      {.outcome = NotKnown(Ambiguous::Cause::kServerError, AnAnswer(599, 2147483647, longest)),
       .sent_at = kSentAt});
  EXPECT_LT(TrailerBytes(AsReceived(ambiguous)), 2048u);

  pb::AddProductApplicationRequest wrong;
  wrong.set_profile_id(std::string(60'000, '\n'));
  wrong.mutable_product()->set_alias(std::string(60'000, '\n'));
  wrong.mutable_product()->set_id(std::string(60'000, '\n'));
  wrong.set_associated_role(static_cast<pb::AssociatedRole>(-1));
  wrong.set_request_id(std::string(60'000, '\n'));
  const CallError invalid =
      InvalidRequestError(std::get<std::vector<FieldViolation>>(ValidateRequest(wrong)));
  EXPECT_LT(TrailerBytes(AsReceived(invalid)), 4096u);

  const std::string request_id(kMaxRequestIdBytes, '~');
  const CallError undecided =
      ToCallError({.outcome = NotKnown(Ambiguous::Cause::kServerError, AnAnswer(599, 1, longest)),
                   .sent_at = kSentAt,
                   .known_by = kEndedAt,
                   .candidate_ids = std::vector<std::string>(1000, std::string(100, '%'))},
                  {.request_id = request_id, .now = kEndedAt});
  EXPECT_THAT(AsReceived(undecided), IsWellFormedError());
  EXPECT_LT(TrailerBytes(AsReceived(undecided)), 4096u);
}

TEST(GrpcCodeNameTest, IsTheNameOfTheCode) {
  EXPECT_EQ(GrpcCodeName(grpc::StatusCode::OK), "OK");
  EXPECT_EQ(GrpcCodeName(grpc::StatusCode::ABORTED), "ABORTED");
  EXPECT_EQ(GrpcCodeName(grpc::StatusCode::RESOURCE_EXHAUSTED), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(GrpcCodeName(grpc::StatusCode::UNAUTHENTICATED), "UNAUTHENTICATED");
  EXPECT_EQ(GrpcCodeName(grpc::StatusCode::DO_NOT_USE), "UNKNOWN");
}

}  // namespace
}  // namespace gateway
