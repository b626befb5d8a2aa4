// An RPC that streams: what its handler gets by going through the pipeline, and what becomes of it
// when its caller leaves, does not read, or the server ends.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "tests/integration/rpc/raw_caller.h"
#include "tests/integration/rpc/two_services_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kPath[] = "/passfort.gateway.test.v1.EchoService/Repeat";

test_pb::RepeatRequest RepeatOf(int times, std::string text = "hello") {
  test_pb::RepeatRequest request;
  request.set_text(std::move(text));
  request.set_times(times);
  return request;
}

// Sends so many messages, and then nothing until it is released.
test_pb::RepeatRequest RepeatAndWait(int times) {
  test_pb::RepeatRequest request = RepeatOf(times);
  request.set_waits(true);
  return request;
}

// More than any window of HTTP/2 takes at once.
test_pb::RepeatRequest MuchToRead() { return RepeatOf(10'000, std::string(1000, 'x')); }

TEST(StreamCallTest, SendsItsMessagesInOrderAndEndsWithOk) {
  TwoServices fixture;
  fixture.echo.Release();
  const Repeated repeated = fixture.Repeat(RepeatOf(3));
  EXPECT_TRUE(repeated.status.ok()) << repeated.status.error_message();
  EXPECT_THAT(repeated.texts, ElementsAre("hello", "hello", "hello"));
}

TEST(StreamCallTest, SendsAsMuchAsItsCallerReads) {
  TwoServices fixture;
  fixture.echo.Release();
  const Repeated repeated = fixture.Repeat(MuchToRead());
  EXPECT_TRUE(repeated.status.ok()) << repeated.status.error_message();
  EXPECT_THAT(repeated.texts, SizeIs(10'000));
}

TEST(StreamCallTest, IsCountedAndLoggedAsOneCall) {
  TwoServices fixture;
  fixture.echo.Release();
  ASSERT_TRUE(fixture.Repeat(RepeatOf(3)).status.ok());
  const std::string names =
      "grpc_method=\"Repeat\",grpc_service=\"passfort.gateway.test.v1.EchoService\"";
  const std::string text = fixture.metrics.Text();
  EXPECT_THAT(text, HasSubstr("grpc_server_started_total{" + names + "} 1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"OK\"," + names + "} 1"));
  EXPECT_THAT(text, HasSubstr("passfort_gateway_unread_answers_total 0"));
  fixture.log.WaitForLine("call method=Repeat code=OK outcome=done duration_seconds trace_id=" +
                          std::string(kTraceId));
}

TEST(StreamCallTest, MayEndWithAnErrorAfterItsMessages) {
  TwoServices fixture;
  fixture.echo.Release();
  test_pb::RepeatRequest request = RepeatOf(2);
  request.set_fails(true);
  const Repeated failed = fixture.Repeat(request);
  EXPECT_THAT(failed.texts, SizeIs(2));
  EXPECT_EQ(ReasonOf(failed.status), "PASSFORT_UNREACHABLE");
  EXPECT_THAT(failed.error(), IsWellFormedError());
}

TEST(StreamCallTest, ARequestThatIsWrongIsRefusedBeforeAnyMessage) {
  TwoServices fixture;
  const Repeated refused = fixture.Repeat(RepeatOf(2, ""));
  EXPECT_THAT(refused.texts, SizeIs(0));
  EXPECT_EQ(ReasonOf(refused.status), "INVALID_REQUEST");
  EXPECT_THAT(refused.error(), IsWellFormedError());
}

TEST(StreamCallTest, ACallerThatCancelsStopsTheHandler) {
  TwoServices fixture;
  const Repeated cancelled =
      fixture.Repeat(RepeatAndWait(1), [](grpc::ClientContext& context) { context.TryCancel(); });
  EXPECT_EQ(cancelled.status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_THAT(cancelled.texts, SizeIs(1));
  fixture.log.WaitForLine(
      "call method=Repeat code=CANCELLED outcome=not_executed reason=CALLER_GONE");
  EXPECT_TRUE(fixture.pipeline.WaitUntilIdle(kTestBound));
}

TEST(StreamCallTest, ACallerThatCancelsAmidMessagesEndsThem) {
  TwoServices fixture;
  fixture.echo.Release();
  const Repeated cancelled =
      fixture.Repeat(MuchToRead(), [](grpc::ClientContext& context) { context.TryCancel(); });
  EXPECT_EQ(cancelled.status.error_code(), grpc::StatusCode::CANCELLED);
  fixture.log.WaitForLine(
      "call method=Repeat code=CANCELLED outcome=not_executed reason=CALLER_GONE");
}

TEST(StreamCallTest, ACallerThatReadsNothingIsGivenUp) {
  auto options = SomeOptions();
  options.reply_read_within = 50ms;
  TwoServices fixture(options);
  fixture.echo.Release();
  const RawCaller caller(fixture.server->port());
  caller.Call(kPath, MuchToRead().SerializeAsString());
  EXPECT_TRUE(caller.WaitForFrame(RawCaller::kRstStream));
  fixture.log.WaitForLine("call method=Repeat code=");
  EXPECT_THAT(fixture.metrics.Text(), Not(HasSubstr("passfort_gateway_unread_answers_total 0")));
}

TEST(StreamCallTest, WhatIsNotReadCountsAgainstTheCallersConnection) {
  auto options = SomeOptions();
  options.max_unread_bytes = 800;
  TwoServices fixture(options);
  fixture.echo.Release();
  const RawCaller caller(fixture.server->port());
  caller.Call(kPath, MuchToRead().SerializeAsString(), 1);
  fixture.echo.WaitUntilAsked();
  ASSERT_TRUE(caller.WaitForFrame(RawCaller::kHeaders));
  caller.Call(kPath, RepeatOf(1).SerializeAsString(), 3);
  fixture.log.WaitForLine(
      "call method=Repeat code=RESOURCE_EXHAUSTED outcome=not_executed reason=OVERLOADED");
}

TEST(StreamCallTest, AStreamTakesThePlaceOfACall) {
  TwoServices fixture(RoomForOneCall());
  auto repeated = fixture.StartRepeat(RepeatAndWait(1));
  fixture.echo.WaitUntilAsked();
  EXPECT_EQ(ReasonOf(fixture.Add().status), "OVERLOADED");
  fixture.echo.Release();
  EXPECT_TRUE(repeated.get().status.ok());
  EXPECT_TRUE(fixture.Add().status.ok());
}

TEST(StreamCallTest, EndsByItsDeadline) {
  auto options = SomeOptions();
  options.deadlines.max_deadline = 50ms;
  TwoServices fixture(options);
  const Repeated late = fixture.Repeat(RepeatAndWait(1));
  EXPECT_THAT(late.texts, SizeIs(1));
  EXPECT_EQ(late.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(ReasonOf(late.status), "NOT_SENT");
  EXPECT_THAT(late.error(), IsWellFormedError());
}

TEST(StreamCallTest, TheDrainLetsAStreamEnd) {
  TwoServices fixture;
  auto repeated = fixture.StartRepeat(RepeatAndWait(2));
  fixture.echo.WaitUntilAsked();
  auto drained = std::async(std::launch::async, [&] { return fixture.server->Drain(60s); });
  fixture.echo.Release();
  EXPECT_TRUE(repeated.get().status.ok());
  EXPECT_TRUE(drained.get().ok());
}

TEST(StreamCallTest, TheDrainEndsAStreamThatOutlastsIt) {
  TwoServices fixture;
  std::promise<void> got_message;
  auto repeated = std::async(std::launch::async, [&] {
    return fixture.Repeat(RepeatAndWait(1), [&](auto&) { got_message.set_value(); });
  });
  got_message.get_future().wait();
  EXPECT_TRUE(fixture.server->Drain(0ms).ok());
  const Repeated ended = repeated.get();
  EXPECT_EQ(ReasonOf(ended.status), "DRAINING");
  EXPECT_THAT(ended.error(), IsWellFormedError());
}

// The default time to read is half a minute, and no drain waits for that.
TEST(StreamCallTest, TheDrainDoesNotWaitForACallerThatReadsNothing) {
  TwoServices fixture;
  fixture.echo.Release();
  const RawCaller caller(fixture.server->port());
  caller.Call(kPath, MuchToRead().SerializeAsString());
  fixture.echo.WaitUntilAsked();
  ASSERT_TRUE(caller.WaitForFrame(RawCaller::kHeaders));
  EXPECT_TRUE(fixture.server->Drain(0ms).ok());
  EXPECT_TRUE(caller.WaitForFrame(RawCaller::kRstStream));
  fixture.log.WaitForLine("call method=Repeat code=");
}

}  // namespace
}  // namespace gateway
