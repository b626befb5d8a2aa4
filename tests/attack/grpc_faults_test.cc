// What one client could do to gRPC 1.51.1 as Debian ships it: cmake/grpc/grpc-1.51.1.patch. All but
// the random frames fail there; GATEWAY_PROGRAM=build/dev/bin/passfort-gateway shows it.

#include <gtest/gtest.h>

#include <array>
#include <iostream>
#include <random>
#include <string>
#include <string_view>

#include "tests/attack/attack_fixture.h"
#include "tests/attack/hostile_client.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using Clock = AttackFixture::Clock;
using Settings = HostileClient::Settings;

constexpr uint32_t kEnhanceYourCalm = 11;

std::string AddMessage() { return Message(ARequest().SerializeAsString()); }

// Opens streams and resets them at once, as quickly as the gateway reads; on a new connection when
// this one is taken away.
enum class Request { kHeadersOnly, kWhole };
void ResetRapidly(const std::string& target, Request request, Clock::time_point end) {
  bool was_calmed = false;
  const auto goes_on = [&] { return Clock::now() < (was_calmed ? end : end + kBusyMachineTime); };
  constexpr int kStreamsPerSend = 100;
  const std::string headers = RequestHeaders();
  const std::string message = AddMessage();
  while (goes_on()) {
    HostileClient client(target);
    for (uint32_t stream = 1; client.is_open() && goes_on();) {
      std::string bytes;
      for (int i = 0; i < kStreamsPerSend; ++i, stream += 2) {
        bytes += Frame(FrameType::kHeaders, kEndHeaders, stream, headers);
        if (request == Request::kWhole) {
          bytes += Frame(FrameType::kData, kEndStream, stream, message);
        }
        bytes += Reset(stream);
      }
      client.Send(bytes);
      was_calmed = was_calmed || client.goaway_code() == kEnhanceYourCalm;
    }
  }
  EXPECT_TRUE(was_calmed) << "the gateway took whatever came";
}

TEST(RapidResetTest, OneConnectionTakesNeitherMemoryNorTheOthersTurn) {
  AttackFixture fixture;
  fixture.Withstands(1,
                     [&](Clock::time_point end) {
                       ResetRapidly(fixture.gateway.target(), Request::kHeadersOnly, end);
                     },
                     {RefusedByGrpc("resets")});
}

TEST(RapidResetTest, TwoConnectionsTakeNeitherMemoryNorTheOthersTurn) {
  AttackFixture fixture;
  fixture.Withstands(2,
                     [&](Clock::time_point end) {
                       ResetRapidly(fixture.gateway.target(), Request::kHeadersOnly, end);
                     },
                     {RefusedByGrpc("resets")});
}

TEST(RapidResetTest, WholeRequestsTakeNeitherMemoryNorTheOthersTurn) {
  AttackFixture fixture;
  fixture.Withstands(
      1,
      [&](Clock::time_point end) { ResetRapidly(fixture.gateway.target(), Request::kWhole, end); },
      {RefusedByGrpc("resets")});
}

TEST(RapidResetTest, TheConnectionIsGivenUpButItsCallInFlightIsAnswered) {
  AttackFixture fixture;
  fixture.passfort.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  HostileClient client(fixture.gateway.target());
  client.Send(Frame(FrameType::kHeaders, kEndHeaders, 1, RequestHeaders()) +
              Frame(FrameType::kData, kEndStream, 1, AddMessage()));
  ASSERT_TRUE(fixture.passfort.WaitUntil([&] { return fixture.passfort.counts().posts_read == 1; },
                                         kProcessBound));
  // More than a patience of 1,000 and 200 a second allows, and again if the machine took long over
  // them; but fewer than a gateway ignores before it closes the connection.
  constexpr int kRounds = 4;
  constexpr int kStreamsPerRound = 2000;
  uint32_t stream = 3;
  for (int round = 0; round < kRounds && !client.goaway_code(); ++round) {
    for (int i = 0; i < kStreamsPerRound; ++i, stream += 2) {
      client.Send(Frame(FrameType::kHeaders, kEndHeaders, stream, RequestHeaders()) +
                  Reset(stream));
    }
    client.WaitUntil([&] { return client.goaway_code().has_value(); }, kBusyMachineTime);
  }
  ASSERT_TRUE(client.goaway_code().has_value());
  EXPECT_EQ(*client.goaway_code(), kEnhanceYourCalm);
  EXPECT_FALSE(client.IsAnswered(1));
  fixture.passfort.Release();
  EXPECT_TRUE(client.WaitUntil([&] { return client.IsAnswered(1); }, kProcessBound));
  EXPECT_FALSE(client.WaitUntil([] { return false; }, kProcessBound));
  EXPECT_FALSE(client.is_open());
}

// A header field that is remembered in the HPACK table, as entry 62.
std::string RememberedField(size_t value_bytes) {
  std::string field = "\x40";
  field.append("\x01").append("a");
  field.append(1, static_cast<char>(value_bytes)).append(value_bytes, 'v');
  return field;
}

constexpr char kRememberedField = '\xbe';

// One header block without end, in frames of `frame`.
void SendEndlessBlock(const std::string& target, Settings settings, std::string_view start,
                      const std::string& frame, Clock::time_point end) {
  constexpr size_t kBytesPerSend = 64 * 1024;
  std::string bytes;
  while (bytes.size() < kBytesPerSend) {
    bytes += Frame(FrameType::kContinuation, 0, 1, frame);
  }
  int connections_closed = 0;
  const auto goes_on = [&] {
    return Clock::now() < (connections_closed > 0 ? end : end + kBusyMachineTime);
  };
  while (goes_on()) {
    HostileClient client(target, {.settings = settings});
    if (settings == Settings::kAcknowledged) {
      client.WaitUntil([&] { return client.has_settings(); }, 1s);
    }
    client.Send(Frame(FrameType::kHeaders, 0, 1, RequestHeaders().append(start)));
    while (client.is_open() && goes_on()) client.Send(bytes);
    if (!client.is_open()) ++connections_closed;
  }
  EXPECT_GT(connections_closed, 0) << "the gateway took whatever came";
}

struct EndlessBlock {
  std::string name;
  Settings settings;
  std::string start;
  std::string frame;

  friend void PrintTo(const EndlessBlock& shown, std::ostream* out) { *out << shown.name; }
};

class EndlessBlockTest : public ::testing::TestWithParam<EndlessBlock> {};

TEST_P(EndlessBlockTest, EndsTheConnectionRatherThanFillMemory) {
  AttackFixture fixture;
  fixture.Withstands(1,
                     [&](Clock::time_point end) {
                       SendEndlessBlock(fixture.gateway.target(), GetParam().settings,
                                        GetParam().start, GetParam().frame, end);
                     },
                     {RefusedByGrpc("protocol")});
}

// A value of which only the beginning ever comes; it claims to be of 256 MiB.
std::string UnfinishedField() { return std::string("\0\x01z\x7f\x81\xff\xff\x7f", 8); }

INSTANTIATE_TEST_SUITE_P(
    All, EndlessBlockTest,
    ::testing::Values(
        // 34 bytes for each byte sent, and the limit of gRPC's own is 16 MiB a frame at first.
        EndlessBlock{"OfReferencesBeforeSettingsAreAcknowledged", Settings::kIgnored,
                     RememberedField(1), std::string(kMaxFrame, kRememberedField)},
        // Each frame stays below the limit of 8 KiB.
        EndlessBlock{"OfReferences", Settings::kAcknowledged, RememberedField(1),
                     std::string(230, kRememberedField)},
        EndlessBlock{"OfOneFieldBeforeSettingsAreAcknowledged", Settings::kIgnored,
                     UnfinishedField(), std::string(kMaxFrame, 'z')},
        EndlessBlock{"OfOneField", Settings::kAcknowledged, UnfinishedField(),
                     std::string(kMaxFrame, 'z')}),
    [](const auto& tested) { return tested.param.name; });

// Frames whose types, flags and streams are often right, and whose payloads seldom are.
std::string RandomFrame(std::mt19937& random) {
  const auto below = [&random](uint32_t bound) {
    return std::uniform_int_distribution<uint32_t>(0, bound - 1)(random);
  };
  constexpr std::array<size_t, 10> kUsualLength = {20, 40, 5, 4, 0, 4, 8, 8, 4, 20};
  const auto type = static_cast<uint8_t>(below(11));
  const size_t length =
      type < kUsualLength.size() && below(4) != 0 ? kUsualLength[type] : below(64);
  std::string payload;
  if (type == static_cast<uint8_t>(FrameType::kHeaders) && below(2) == 0) {
    payload = RequestHeaders();
  } else {
    for (size_t i = 0; i < length; ++i) payload.push_back(static_cast<char>(below(256)));
  }
  return Frame(static_cast<FrameType>(type), static_cast<uint8_t>(below(4) == 0 ? below(256) : 4),
               below(3) == 0 ? 0 : 1 + 2 * below(50), payload);
}

TEST(RandomFramesTest, HarmNobodyElse) {
  constexpr int kFrames = 137'000;
  constexpr int kAttackers = 2;
  constexpr int kFramesPerSend = 20;
  AttackFixture fixture;
  std::atomic<unsigned> seed = 1;
  std::atomic<int> sent = 0;
  fixture.Withstands(kAttackers,
                     [&](Clock::time_point end) {
                       std::mt19937 random(seed++);
                       while (sent < kFrames && Clock::now() < end) {
                         HostileClient client(fixture.gateway.target());
                         while (client.is_open() && sent < kFrames && Clock::now() < end) {
                           std::string bytes;
                           for (int i = 0; i < kFramesPerSend; ++i) bytes += RandomFrame(random);
                           client.Send(bytes);
                           sent += kFramesPerSend;
                         }
                       }
                     },
                     {RefusedByGrpc("protocol")});
  EXPECT_GE(sent, kFrames);
}

}  // namespace
}  // namespace gateway
