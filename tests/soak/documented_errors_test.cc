#include "tests/soak/documented_errors.h"

#include <gtest/gtest.h>

namespace gateway::soak {
namespace {

TEST(DocumentedAnswersTest, AReasonIsDocumentedTogetherWithItsCode) {
  EXPECT_EQ(PromiseOf(grpc::UNKNOWN, "OUTCOME_UNKNOWN"), Promise::kNotKnown);
  EXPECT_EQ(PromiseOf(grpc::UNAVAILABLE, "OUTCOME_UNKNOWN"), Promise::kNotDocumented);
  EXPECT_EQ(PromiseOf(grpc::UNAVAILABLE, "NOT_CREATED"), Promise::kNotDoneMayRepeat);
  EXPECT_EQ(PromiseOf(grpc::RESOURCE_EXHAUSTED, "QUOTA_REACHED"), Promise::kNotDone);
}

TEST(DocumentedAnswersTest, ACodeWithoutAReasonIsNotOurWord) {
  EXPECT_EQ(PromiseOf(grpc::UNAVAILABLE, ""), Promise::kNotDocumented);
  EXPECT_EQ(PromiseOf(grpc::DEADLINE_EXCEEDED, ""), Promise::kNotDocumented);
}

}  // namespace
}  // namespace gateway::soak
