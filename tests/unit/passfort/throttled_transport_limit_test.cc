// Calls wait while Passfort limits their endpoint.
#include <gmock/gmock.h>

#include "tests/unit/passfort/throttled_transport_fixture.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Cause = NotExecuted::Cause;

TEST_F(ThrottledTransportTest, LetsAWriteWaitWhilePassfortLimitsWrites) {
  passfort_.posts.end = Limited(2s);
  EXPECT_TRUE(FindNotExecuted(Create()).has_value());
  passfort_.posts.end = ApiResponse{};

  StartCreate("waits");
  clock_.Advance(1999ms);
  EXPECT_THAT(ended_, IsEmpty());
  EXPECT_EQ(passfort_.posts.calls, 1);
  clock_.Advance(1ms);
  EXPECT_THAT(ended_, ElementsAre("waits done"));
  EXPECT_EQ(passfort_.posts.calls, 2);
}

TEST_F(ThrottledTransportTest, RefusesAWriteThatCannotWaitSoLong) {
  passfort_.posts.end = Limited(2s);
  Create();
  const auto refused = FindNotExecuted(Create(2049ms));
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->cause, Cause::kRateLimited);
  EXPECT_EQ(refused->retry_after, 2000ms);
  EXPECT_FALSE(refused->response.has_value());  // our word, not Passfort's
  EXPECT_EQ(passfort_.posts.calls, 1);
}

TEST_F(ThrottledTransportTest, DoesNotLetAWriteWaitBeyondItsRightToSend) {
  passfort_.posts.end = Limited(2s);
  Create();
  StartCreate("too late", clock_.BootNow() + 1999ms);
  EXPECT_THAT(ended_, ElementsAre("too late not_executed"));
  passfort_.posts.end = ApiResponse{};
  StartCreate("in time", clock_.BootNow() + 2000ms);
  clock_.Advance(2s);
  EXPECT_EQ(ended_.back(), "in time done");
}

TEST_F(ThrottledTransportTest, KeepsReadsAndWritesApart) {
  passfort_.posts.end = Limited(2s);
  Create();
  EXPECT_TRUE(IsAnswered(List()));
  clock_.Advance(10s);

  passfort_.lists.end = NotExecuted{.cause = Cause::kRateLimited, .retry_after = 2s};
  List();
  passfort_.posts.end = ApiResponse{};
  EXPECT_TRUE(IsAnswered(Create()));
  passfort_.lists.end = ApiResponse{};
  StartList("waits");
  EXPECT_THAT(ended_, IsEmpty());
  clock_.Advance(2s);
  EXPECT_THAT(ended_, ElementsAre("waits done"));
}

TEST_F(ThrottledTransportTest, LetsOneCallAskAndReadsThatReconcileGoBeforeTheOthers) {
  passfort_.lists.end = NotExecuted{.cause = Cause::kRateLimited, .retry_after = 2s};
  List();
  passfort_.lists.end = ApiResponse{};
  passfort_.lists.takes = 300ms;
  for (const char* const name : {"a", "b", "c"}) StartList(name);
  StartList("reconciles", Priority::kReconciliation);
  clock_.Advance(2299ms);
  EXPECT_EQ(passfort_.lists.calls, 2);
  clock_.Advance(1ms);
  EXPECT_EQ(passfort_.lists.calls, 5);
  EXPECT_THAT(ended_, ElementsAre("reconciles done"));
  clock_.Advance(300ms);
  EXPECT_THAT(ended_, ElementsAre("reconciles done", "a done", "b done", "c done"));
}

TEST_F(ThrottledTransportTest, WaitsAgainWhenTheCallThatAsksIsLimitedToo) {
  passfort_.posts.end = Limited(2s);
  Create();
  for (const char* const name : {"a", "b", "c"}) StartCreate(name);
  clock_.Advance(2s);
  EXPECT_THAT(ended_, ElementsAre("a not_executed"));
  EXPECT_EQ(passfort_.posts.calls, 2);
  passfort_.posts.end = ApiResponse{};
  clock_.Advance(1999ms);
  EXPECT_EQ(passfort_.posts.calls, 2);
  clock_.Advance(1ms);
  EXPECT_THAT(ended_, ElementsAre("a not_executed", "b done", "c done"));
}

TEST_F(ThrottledTransportTest, LetsTheNextAskWhenTheOneThatAskedNeverGotThere) {
  passfort_.posts.end = Limited(2s);
  Create();
  for (const char* const name : {"a", "b"}) StartCreate(name);
  passfort_.posts.end = NotExecuted{};
  clock_.Advance(2s);
  EXPECT_THAT(ended_, ElementsAre("a not_executed", "b not_executed"));
}

TEST_F(ThrottledTransportTest, CountsTheClosings) {
  passfort_.posts.end = Limited(2s);
  Create();
  EXPECT_THAT(metrics_.Text(), HasSubstr("passfort_rate_limit_pauses_total{endpoint=\"POST "
                                         "/profiles/{profile_id}/applications\"} 1"));
}

}  // namespace
}  // namespace gateway
