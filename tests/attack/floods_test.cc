// Frames that are each allowed, or nearly so, and that come without end. Most of them were named as
// attacks on HTTP/2 implementations (CVE-2019-9511 to 9518), and some are what a broken client
// does.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/attack/attack_fixture.h"
#include "tests/attack/hostile_client.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using Clock = AttackFixture::Clock;
using Reading = HostileClient::Reading;
using Beginning = HostileClient::Beginning;

constexpr uint32_t kWholeConnection = 0;
constexpr size_t kBytesPerSend = size_t{64} * 1024;

enum SettingId : uint16_t { kHeaderTableSize = 1, kInitialWindowSize = 4, kMaxFrameSize = 5 };

std::string Setting(SettingId id, uint32_t value) { return BigEndian16(id) + BigEndian32(value); }

// As many times as make about `kBytesPerSend`.
std::string Repeated(std::string_view bytes) {
  std::string all;
  while (all.size() < kBytesPerSend) all += bytes;
  return all;
}

// Sends the same bytes until the end, on a new connection whenever the gateway has closed one.
using Flood = std::function<void(const std::string& target, Clock::time_point end)>;
Flood SendsAgainAndAgain(const std::string& begin, const std::string& bytes,
                         Reading reading = Reading::kAlways) {
  return [=](const std::string& target, Clock::time_point end) {
    while (Clock::now() < end) {
      HostileClient client(target, {.reading = reading});
      client.Send(begin);
      while (client.is_open() && Clock::now() < end) client.Send(bytes);
    }
  };
}

// The same for calls, each on a stream of its own. `call` makes the frames of one.
Flood CallsAgainAndAgain(const std::function<std::string(uint32_t stream)>& call) {
  return [=](const std::string& target, Clock::time_point end) {
    while (Clock::now() < end) {
      HostileClient client(target);
      for (uint32_t stream = 1; client.is_open() && Clock::now() < end;) {
        std::string bytes;
        for (; bytes.size() < kBytesPerSend; stream += 2) bytes += call(stream);
        client.Send(bytes);
      }
    }
  };
}

// The same on connections that end when each has opened as many calls as it may, and more.
Flood CallsUntilDisconnected(const std::function<std::string(uint32_t stream)>& call) {
  return [=](const std::string& target, Clock::time_point end) {
    constexpr uint32_t kCalls = 8'000;
    while (Clock::now() < end) {
      HostileClient client(target);
      std::string bytes;
      for (uint32_t stream = 1; stream < 2 * kCalls; stream += 2) {
        bytes += call(stream);
        if (bytes.size() > kBytesPerSend) client.Send(std::exchange(bytes, ""));
      }
      client.Send(bytes);
      client.WaitUntil([&] { return !client.is_open(); }, 300ms);
    }
  };
}

// The same for calls that are served: the next ones come when the last one is answered.
Flood CallsInTurn(const std::function<std::string(uint32_t stream)>& call) {
  return [=](const std::string& target, Clock::time_point end) {
    constexpr int kAtATime = 20;
    while (Clock::now() < end) {
      HostileClient client(target);
      for (uint32_t stream = 1; client.is_open() && Clock::now() < end;) {
        for (int i = 0; i < kAtATime; ++i, stream += 2) client.Send(call(stream));
        client.WaitUntil([&] { return client.IsAnswered(stream - 2); }, 1s);
      }
    }
  };
}

// Connections that each send `bytes`, one after the other, and never begin HTTP/2.
Flood ConnectsAgainAndAgain(const std::string& bytes) {
  return [=](const std::string& target, Clock::time_point end) {
    while (Clock::now() < end) {
      HostileClient client(target, {.beginning = Beginning::kNothing});
      client.Send(bytes);
      client.WaitUntil([] { return false; }, 100ms);
    }
  };
}

// Connections that stay, and on which a byte comes now and then.
Flood SendsSlowly(int connections, const std::string& bytes, Beginning beginning) {
  return [=](const std::string& target, Clock::time_point end) {
    std::vector<std::unique_ptr<HostileClient>> clients;
    for (int i = 0; i < connections; ++i) {
      clients.push_back(
          std::make_unique<HostileClient>(target, HostileClient::Options{.beginning = beginning}));
    }
    for (size_t at = 0; at < bytes.size() && Clock::now() < end; ++at) {
      for (const auto& client : clients) client->Send(bytes.substr(at, 1));
      std::this_thread::sleep_for(20ms);
    }
    std::this_thread::sleep_until(end);
  };
}

std::string HeadersOf(uint32_t stream, std::string_view block, uint8_t flags = kEndHeaders) {
  return Frame(FrameType::kHeaders, flags, stream, block);
}

std::string RequestWith(size_t fields) {
  std::string block = RequestHeaders();
  for (size_t i = 0; i < fields; ++i) block += Field("a", "");
  return block;
}

// A call that is answered, and then reset by its caller.
void ResetWhatIsAnswered(const std::string& target, Clock::time_point end) {
  while (Clock::now() < end) {
    HostileClient client(target);
    for (uint32_t stream = 1; client.is_open() && Clock::now() < end; stream += 2) {
      client.Send(Call(stream, ""));  // without a profile_id
      client.WaitUntil([&] { return client.IsAnswered(stream); }, 1s);
      client.Send(Reset(stream));
    }
  }
}

struct Case {
  std::string name;
  Flood flood;
  std::vector<Refusals> refusals = {};

  friend void PrintTo(const Case& shown, std::ostream* out) { *out << shown.name; }
};

std::vector<Case> Cases() {
  const std::string ping = Frame(FrameType::kPing, 0, kWholeConnection, "12345678");
  const std::string settings = Frame(FrameType::kSettings, 0, kWholeConnection, "");
  std::string many_settings;
  while (many_settings.size() + 12 <= kMaxFrame) {
    many_settings += Setting(kInitialWindowSize, 0) + Setting(kInitialWindowSize, 1 << 20);
  }
  std::string tables;
  while (tables.size() + 12 <= kMaxFrame) {
    tables += Setting(kHeaderTableSize, 0) + Setting(kHeaderTableSize, 1 << 30);
  }
  const auto priorities = [](uint32_t first_stream) {
    std::string storm;
    for (uint32_t stream = first_stream; storm.size() < kBytesPerSend; stream += 2) {
      storm += Frame(FrameType::kPriority, 0, stream, BigEndian32(stream + 2) + "w");
    }
    return storm;
  };
  const std::string open_call = HeadersOf(1, RequestHeaders());
  const std::string window = BigEndian32(0x7fffffff);
  const std::string message = Message(AttackersRequest().SerializeAsString());
  const Refusals protocol = RefusedByGrpc("protocol");
  const Refusals calls = RefusedByGrpc("calls");

  return {
      {"Pings", SendsAgainAndAgain("", Repeated(ping))},
      {"PingsWhoseAnswersNobodyReads", SendsAgainAndAgain("", Repeated(ping), Reading::kNever)},
      {"AnswersToPingsThatNobodySent",
       SendsAgainAndAgain("", Repeated(Frame(FrameType::kPing, 1, kWholeConnection, "12345678")))},
      {"Settings", SendsAgainAndAgain("", Repeated(settings))},
      {"SettingsWhoseAnswersNobodyReads",
       SendsAgainAndAgain("", Repeated(settings), Reading::kNever)},
      {"SettingsThatChangeEveryWindow",
       SendsAgainAndAgain(
           open_call, Repeated(Frame(FrameType::kSettings, 0, kWholeConnection, many_settings)))},
      {"SettingsThatChangeTheHeaderTable",
       SendsAgainAndAgain(open_call,
                          Repeated(Frame(FrameType::kSettings, 0, kWholeConnection, tables)))},
      {"Priorities", SendsAgainAndAgain("", priorities(1))},
      {"WindowsThatOverflow",
       SendsAgainAndAgain(open_call,
                          Repeated(Frame(FrameType::kWindowUpdate, 0, kWholeConnection, window) +
                                   Frame(FrameType::kWindowUpdate, 0, 1, window)))},
      {"WindowsOfOneByte", SendsAgainAndAgain(open_call, Repeated(Frame(FrameType::kWindowUpdate, 0,
                                                                        1, BigEndian32(1))))},
      {"EmptyData", SendsAgainAndAgain(open_call, Repeated(Frame(FrameType::kData, 0, 1, "")))},
      {"DataOfOneByte",
       SendsAgainAndAgain(open_call + Frame(FrameType::kData, 0, 1,
                                            Message("").substr(0, 1) + BigEndian32(60'000)),
                          Repeated(Frame(FrameType::kData, 0, 1, "x")))},
      {"DataOfStreamsThatAreNotOpen",
       SendsAgainAndAgain("", Repeated(Frame(FrameType::kData, 0, 9, std::string(1024, 'x'))))},
      {"DataBeyondTheWindow",
       SendsAgainAndAgain(open_call,
                          Repeated(Frame(FrameType::kData, 0, 1, std::string(kMaxFrame, '\0'))))},
      {"MessagesTooLarge",
       CallsAgainAndAgain([](uint32_t stream) {
         std::string frames = HeadersOf(stream, RequestHeaders());
         const std::string large = Message(std::string(90'000, 'x'));
         for (size_t at = 0; at < 60'000; at += kMaxFrame) {
           frames += Frame(FrameType::kData, 0, stream, large.substr(at, kMaxFrame));
         }
         return frames;
       }),
       {calls}},
      {"ManyFields",
       CallsAgainAndAgain([](uint32_t stream) {
         return HeadersOf(stream, RequestWith(3000), kEndHeaders | kEndStream);
       }),
       {calls}},
      {"AHugePath",
       CallsAgainAndAgain([](uint32_t stream) {
         return HeadersOf(stream, RequestHeaders("/" + std::string(12'000, 'p')),
                          kEndHeaders | kEndStream);
       }),
       {AnsweredWith("UNIMPLEMENTED")}},
      {"TrailersOfACaller", CallsInTurn([](uint32_t stream) {
         return HeadersOf(stream, RequestHeaders()) +
                Frame(FrameType::kData, 0, stream, Message("")) +
                HeadersOf(stream, Field("grpc-status", "0"), kEndHeaders | kEndStream);
       })},
      {"AnsweredCallsThatAreReset", ResetWhatIsAnswered, {AnsweredWith("INVALID_ARGUMENT")}},
      {"CallsThatKeepWhatWasReadBesideThem", CallsAgainAndAgain([](uint32_t stream) {
         return HeadersOf(stream, RequestHeaders() + Field("kept", std::string(64, 'k'))) +
                Frame(FrameType::kData, 0, stream, Message("xx").substr(0, 6)) +
                Repeated(Frame(FrameType::kPing, 1, kWholeConnection, "12345678"));
       })},
      {"MessagesWithoutEnd",
       CallsAgainAndAgain([](uint32_t stream) {
         return HeadersOf(stream, RequestHeaders()) +
                Frame(FrameType::kData, 0, stream,
                      Message(std::string(60'000, 'x')).substr(0, kMaxFrame));
       }),
       {calls}},
      {"CallsWithoutAMessage",
       CallsAgainAndAgain([](uint32_t stream) { return HeadersOf(stream, RequestHeaders()); }),
       {RefusedByGrpc("streams")}},
      {"CallsThatEndWithTheirConnection",
       CallsUntilDisconnected([](uint32_t stream) { return HeadersOf(stream, RequestHeaders()); }),
       {RefusedByGrpc("streams")}},
      {"GoAways", SendsAgainAndAgain("", Repeated(Frame(FrameType::kGoAway, 0, kWholeConnection,
                                                        BigEndian32(0) + BigEndian32(0) +
                                                            std::string(1000, 'd'))))},
      {"FramesOfAnUnknownType",
       SendsAgainAndAgain("", Repeated(Frame(static_cast<FrameType>(77), 0xff, 3, "unknown")))},
      {"FramesThatAreTooLong",
       SendsAgainAndAgain("",
                          Frame(FrameType::kData, 0, 1, std::string(size_t{1024} * 1024, 'x')))},
      {"Http1", ConnectsAgainAndAgain("GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"), {protocol}},
      {"Tls",
       ConnectsAgainAndAgain(std::string("\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 11)),
       {protocol}},
      {"HalfAPreface", SendsSlowly(200, std::string(kPreface.substr(0, 12)), Beginning::kNothing)},
      {"HeadersByteByByte", SendsSlowly(200, open_call, Beginning::kHttp2)},
      {"OneCallOnEachOfManyConnections",
       SendsSlowly(300, open_call + Frame(FrameType::kData, kEndStream, 1, message),
                   Beginning::kHttp2)},
  };
}

class FloodTest : public ::testing::TestWithParam<Case> {};

TEST_P(FloodTest, HarmsNobodyElse) {
  constexpr int kAttackers = 2;
  AttackFixture fixture;
  fixture.Withstands(
      kAttackers, [&](Clock::time_point end) { GetParam().flood(fixture.gateway.target(), end); },
      GetParam().refusals);
}

INSTANTIATE_TEST_SUITE_P(Of, FloodTest, ::testing::ValuesIn(Cases()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace gateway
