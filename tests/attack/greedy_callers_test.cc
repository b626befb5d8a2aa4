// One caller that wants everything: places, connections, descriptors, memory, threads.

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/attack/attack_fixture.h"
#include "tests/attack/hostile_client.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using Clock = AttackFixture::Clock;

constexpr char kAnotherAddress[] = "127.0.0.2";

// What one attacker does: opens connections, and each sends what `Sends` makes of its number; then
// all stay until the end and read. A connection that the gateway closes is not opened again. It
// looks once before they go.
template <typename Sends>
void StaysConnected(
    const std::string& target, int connections, Clock::time_point end,
    const HostileClient::Options& options, const Sends& sends,
    const std::function<void()>& look = [] {}) {
  std::vector<std::unique_ptr<HostileClient>> clients;
  for (int i = 0; i < connections; ++i) {
    clients.push_back(std::make_unique<HostileClient>(target, options));
    clients.back()->Send(sends(i));
  }
  while (Clock::now() < end) {
    for (const auto& client : clients) client->WaitUntil([] { return false; }, 1ms);
  }
  look();
}

std::string Calls(int calls, const std::string& content) {
  std::string bytes;
  for (int i = 0; i < calls; ++i) bytes += Call(static_cast<uint32_t>(2 * i + 1), content);
  return bytes;
}

std::string Nothing(int) { return ""; }

TEST(GreedyCallerTest, SlowCallsOfOneConnectionLeavePlacesForOthers) {
  constexpr int kPlacesOfOneConnection = 438;  // seven eighths
  constexpr int kMaxOfThem = 430;
  AttackFixture fixture({"--max_in_flight=500"});
  fixture.HoldCallsOfAttackers();
  fixture.Withstands(1, [&](Clock::time_point end) {
    HostileClient client(fixture.gateway.target());
    client.Send(Calls(kPlacesOfOneConnection, AttackersRequest().SerializeAsString()));
    EXPECT_TRUE(fixture.passfort.WaitUntil(
        [&] { return fixture.passfort.counts(kAttackersProfile).posts_read >= kMaxOfThem; },
        kBusyMachineTime));
    std::this_thread::sleep_until(end);
  });
  fixture.passfort.Release();
}

TEST(GreedyCallerTest, SlowCallsOfOneAddressLeavePlacesForOthers) {
  AttackFixture fixture({"--max_in_flight=500"});
  fixture.HoldCallsOfAttackers();
  fixture.Withstands(1,
                     [&](Clock::time_point end) {
                       StaysConnected(
                           fixture.gateway.target(), 10, end, {.from = kAnotherAddress},
                           [](int) { return Calls(100, AttackersRequest().SerializeAsString()); });
                     },
                     {AnsweredWith("RESOURCE_EXHAUSTED")});
  fixture.passfort.Release();
}

TEST(GreedyCallerTest, ManyRequestIdsOnOneProfileLeavePlacesForOthers) {
  AttackFixture fixture({"--max_in_flight=500", "--store=sqlite::memory:"});
  fixture.HoldCallsOfAttackers();
  fixture.others_ask = [](int call) {
    auto request = ARequest();
    request.set_profile_id(absl::StrFormat("a2c4393a-0000-4000-8000-%012x", call));
    request.set_request_id(absl::StrCat("honest-", call));
    return request;
  };
  fixture.Withstands(1,
                     [&](Clock::time_point end) {
                       StaysConnected(fixture.gateway.target(), 1, end, {}, [](int) {
                         std::string calls;
                         for (int i = 0; i < 430; ++i) {
                           auto request = AttackersRequest();
                           request.set_request_id(absl::StrCat("greedy-", i));
                           calls +=
                               Call(static_cast<uint32_t>(2 * i + 1), request.SerializeAsString());
                         }
                         return calls;
                       });
                     },
                     {AnsweredWith("UNAVAILABLE")});
  fixture.passfort.Release();
}

TEST(GreedyCallerTest, AnswersThatAreNotReadDoNotFillMemory) {
  constexpr size_t kLargeBytes = 300 * 1000;
  AttackFixture fixture;
  fixture.passfort.Script(
      {.endpoint = Endpoint::kAdd,
       .profile_id = kAttackersProfile,
       .times = Fault::kAlways,
       .answer = {.body = absl::StrCat(R"({"id": "edc23993-eb6a-9d89-bb79-5b8925b33224", "x": ")",
                                       std::string(kLargeBytes, 'x'), R"("})")}});
  const std::string no_window = Frame(FrameType::kSettings, 0, 0, BigEndian16(4) + BigEndian32(0));
  const std::string content = AttackersRequest().SerializeAsString();
  fixture.Withstands(1,
                     [&](Clock::time_point end) {
                       HostileClient client(fixture.gateway.target());
                       client.Send(no_window);
                       for (uint32_t stream = 1; Clock::now() < end; stream += 2) {
                         client.Send(Call(stream, content));
                         client.WaitUntil([] { return false; }, 10ms);
                       }
                     },
                     {AnsweredWith("RESOURCE_EXHAUSTED")});
}

// 60 kB that are 62 MB. gRPC looks at the limit after inflating.
TEST(GreedyCallerTest, CompressedRequestsAreNotInflated) {
  constexpr std::string_view kBegin(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xec\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee"
      "\x08\x0a",
      24);
  constexpr size_t kZeroes = 60'000;  // each stands for 1032
  std::string message = Message(std::string(kBegin).append(kZeroes, '\0'));
  message.front() = 1;
  const std::string headers = RequestHeaders() + Field("grpc-encoding", "gzip");
  std::string call = Frame(FrameType::kHeaders, kEndHeaders, 1, headers);
  for (size_t at = 0; at < message.size(); at += kMaxFrame) {
    call += Frame(FrameType::kData, at + kMaxFrame < message.size() ? 0 : kEndStream, 1,
                  message.substr(at, kMaxFrame));
  }
  AttackFixture fixture;
  fixture.Withstands(2,
                     [&](Clock::time_point end) {
                       while (Clock::now() < end) {
                         HostileClient client(fixture.gateway.target());
                         client.Send(call);
                         client.WaitUntil([&] { return client.IsAnswered(1); }, 1s);
                       }
                     },
                     {RefusedByGrpc("calls")});
}

TEST(GreedyCallerTest, FiveThousandStreamsOfReflectionTakeFewThreads) {
  constexpr int kStreams = 2500;
  constexpr int kMaxThreads = 60;
  AttackFixture fixture;
  std::atomic<int> threads = 0;
  const auto open_streams = [](int) {
    const std::string headers =
        RequestHeaders("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
    std::string streams;
    for (uint32_t i = 0; i < kStreams; ++i) {
      streams += Frame(FrameType::kHeaders, kEndHeaders, 2 * i + 1, headers);
    }
    return streams;
  };
  fixture.Withstands(2,
                     [&](Clock::time_point end) {
                       StaysConnected(fixture.gateway.target(), 1, end, {}, open_streams,
                                      [&] { threads = fixture.gateway.Threads(); });
                     },
                     {AnsweredWith("RESOURCE_EXHAUSTED")});
  EXPECT_LT(threads, kMaxThreads);
}

TEST(GreedyCallerTest, SilentConnectionsOfOneAddressLeaveSomeForOthers) {
  AttackFixture fixture;
  fixture.Withstands(
      2,
      [&](Clock::time_point end) {
        StaysConnected(fixture.gateway.target(), 750, end,
                       {.beginning = HostileClient::Beginning::kNothing, .from = kAnotherAddress},
                       Nothing);
      },
      {RefusedConnections("address_share")});
}

TEST(GreedyCallerTest, MoreConnectionsThanDescriptorsAreRefused) {
  AttackFixture fixture({}, 256);
  fixture.Withstands(
      1,
      [&](Clock::time_point end) {
        StaysConnected(fixture.gateway.target(), 600, end,
                       {.beginning = HostileClient::Beginning::kNothing, .from = kAnotherAddress},
                       Nothing);
      },
      {{.metric = "passfort_gateway_connections_refused_total", .labels = {}}});
}

// Each call that waits for Passfort has a connection to it.
TEST(GreedyCallerTest, MoreSlowCallsThanDescriptorsLeaveSomeForOthers) {
  AttackFixture fixture({}, 512);
  fixture.HoldCallsOfAttackers();
  const GatewayCaller caller(fixture.gateway.target());
  ManyCalls calls;
  fixture.Withstands(1, [&](Clock::time_point end) {
    for (int i = 0; i < 700; ++i) calls.Start(caller, AttackersRequest());
    std::this_thread::sleep_until(end);
  });
  fixture.passfort.ClearFaults();
  fixture.passfort.Release();
  // What a client sends before it knows how many streams it may open is refused.
  calls.ForEach([](const Answered& answered) {
    EXPECT_TRUE(answered.status.ok() || ReasonOf(answered.status) == "OVERLOADED")
        << answered.status.error_message();
  });
}

}  // namespace
}  // namespace gateway
