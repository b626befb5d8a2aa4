// What the limits against attackers must not cost a caller that cancels calls now and then.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/attack/attack_fixture.h"
#include "tests/attack/hostile_client.h"

namespace gateway {
namespace {

// A stream that never ends by itself.
void WatchAndCancel(grpc::health::v1::Health::Stub& health) {
  grpc::ClientContext context;
  const auto watch = health.Watch(&context, grpc::health::v1::HealthCheckRequest());
  grpc::health::v1::HealthCheckResponse response;
  watch->Read(&response);
  context.TryCancel();
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(HonestClientTest, LosesNoneOfAHundredThousandCallsOnOneConnectionWhenItCancelsEachTenth) {
  constexpr int kThreads = 8;
  constexpr int kCalls = 100'000;
  AttackFixture fixture;
  const GatewayCaller caller(fixture.gateway.target());
  const auto health = grpc::health::v1::Health::NewStub(caller.channel());
  // Answered by the gateway itself, so that they come as quickly as calls can.
  auto wrong_request = ARequest();
  wrong_request.set_profile_id("not-a-uuid");

  std::atomic<int> calls = 0;
  std::atomic<int> lost = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int call = calls++; call < kCalls; call = calls++) {
        if (call % 10 == 0) {
          WatchAndCancel(*health);
        } else if (caller.Add(wrong_request).status.error_code() !=
                   grpc::StatusCode::INVALID_ARGUMENT) {
          ++lost;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lost, 0);
}

// A gateway that takes no more unfinished messages than 32 MiB.
TEST(HonestClientTest, HasManyLargeRequestsUnderWay) {
  constexpr int kCalls = 700;
  constexpr int kUnknownField = 1000;
  AttackFixture fixture;
  fixture.HoldCallsOfAttackers();
  auto large = AttackersRequest();
  large.GetReflection()->MutableUnknownFields(&large)->AddLengthDelimited(kUnknownField,
                                                                          std::string(60'000, 'x'));
  const GatewayCaller caller(fixture.gateway.target());
  ManyCalls calls;
  for (int i = 0; i < kCalls; ++i) calls.Start(caller, large);
  EXPECT_TRUE(fixture.passfort.WaitUntil(
      [&] { return fixture.passfort.counts(kAttackersProfile).posts_read >= kCalls - 1; },
      kBusyMachineTime));
  calls.Start(caller, large);
  fixture.passfort.ClearFaults();
  fixture.passfort.Release();
  calls.ForEach([](const Answered& answered) {
    EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  });
}

TEST(HonestClientTest, IsNotCountedAsRefusedWhenItsCallsEndAtTheirDeadlineOrWithItsConnection) {
  AttackFixture fixture;
  fixture.HoldCallsOfAttackers();
  const std::string message = AttackersRequest().SerializeAsString();
  {
    HostileClient gone(fixture.gateway.target());
    gone.Send(Call(1, message));
    EXPECT_TRUE(fixture.passfort.WaitUntil(
        [&] { return fixture.passfort.counts(kAttackersProfile).posts_read == 1; }, kProcessBound));
  }
  HostileClient hurried(fixture.gateway.target());
  hurried.Send(
      Frame(FrameType::kHeaders, kEndHeaders, 1, RequestHeaders() + Field("grpc-timeout", "50m")) +
      Frame(FrameType::kData, kEndStream, 1, Message(message)));
  EXPECT_TRUE(hurried.WaitUntil([&] { return hurried.IsAnswered(1); }, kProcessBound));
  // The gateway has noticed the end of the connection when the call has ended.
  EXPECT_TRUE(fixture.passfort.WaitUntil(
      [&] { return fixture.gateway.Counter("grpc_server_handled_total", {}) == 2; },
      kProcessBound));
  EXPECT_EQ(fixture.gateway.Counter("passfort_gateway_grpc_refusals_total", {}), 0);
  fixture.passfort.Release();
}

}  // namespace
}  // namespace gateway
