// What the limits against attackers must not cost a caller that cancels calls now and then.

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/attack/attack_fixture.h"
#include "tests/attack/hostile_client.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

// A channel whose calls all fail once its connection has ended: it makes no other.
std::shared_ptr<grpc::Channel> OneConnection(const std::string& target) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(target.substr(target.rfind(':') + 1))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
  return grpc::CreateInsecureChannelFromFd("one connection", descriptor);
}

// A call that can be cancelled.
class CancelledCall {
 public:
  CancelledCall(const GatewayCaller& caller, const pb::AddProductApplicationRequest& request)
      : request_(request) {
    context_.set_deadline(std::chrono::system_clock::now() + kCallBound);
    caller.stub().async()->AddProductApplication(
        &context_, &request_, &response_,
        [this](const grpc::Status& status) { ended_.set_value(status.error_code()); });
  }

  grpc::StatusCode Cancel() {
    context_.TryCancel();
    return ended_.get_future().get();
  }

 private:
  grpc::ClientContext context_;
  const pb::AddProductApplicationRequest request_;
  pb::AddProductApplicationResponse response_;
  std::promise<grpc::StatusCode> ended_;
};

TEST(HonestClientTest, LosesNoneOfAHundredThousandCallsOnOneConnectionWhenItCancelsEachTenth) {
  constexpr int kThreads = 8;
  constexpr int kCancelled = 10'000;
  constexpr int kServedForEach = 9;
  // Long enough that a call is cancelled before its answer; connections of Passfort wait as long.
  constexpr auto kSlowAnswer = 2s;
  AttackFixture fixture;
  fixture.passfort.Script({.endpoint = Endpoint::kAdd,
                           .profile_id = kAttackersProfile,
                           .times = Fault::kAlways,
                           .answer_after = kSlowAnswer});
  const GatewayCaller caller(OneConnection(fixture.gateway.target()));
  std::atomic<int> begun = 0;
  std::atomic<int> cancelled = 0;
  std::atomic<int> lost = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (begun++ < kCancelled) {
        // The gateway has it before those that are answered behind it on the same connection.
        CancelledCall slow(caller, AttackersRequest());
        for (int call = 0; call < kServedForEach; ++call) {
          if (!caller.Add().status.ok()) ++lost;
        }
        if (slow.Cancel() == grpc::StatusCode::CANCELLED) ++cancelled;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(cancelled, kCancelled);
  EXPECT_EQ(fixture.gateway.Counter("passfort_gateway_grpc_refusals_total", {}), 0);
}

// A gateway that takes no more unfinished messages than 32 MiB.
TEST(HonestClientTest, HasManyLargeRequestsInFlight) {
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
