// What the limits against attackers must not cost a caller that cancels calls now and then.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/attack/attack_bench.h"

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
  AttackBench bench;
  const GatewayCaller caller(bench.gateway.target());
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

}  // namespace
}  // namespace gateway
