// What a Passfort gone mad could do to the callers of the gateway: bodies made to be slow to read
// or large in memory, many at a time.

#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/attack/attack_fixture.h"
#include "tests/support/raw_http_server.h"

namespace gateway {
namespace {

constexpr int kAtATime = 32;
constexpr size_t kMiB = size_t{1024} * 1024;

constexpr char kAttackedProfile[] = "b3d4504b-f32a-78b5-6bc5-3297063fa149";

std::string Repeated(const std::string& unit, size_t bytes) {
  std::string all;
  all.reserve(bytes + unit.size());
  while (all.size() < bytes) all += unit;
  return all;
}

// `{"id":"x","NAME":[FIRST,UNIT,UNIT...]}`
std::string ListOf(const std::string& name, const std::string& unit, int units) {
  std::string body = R"({"id":"x",")" + name + "\":[" + unit;
  for (int i = 1; i < units; ++i) body += "," + unit;
  return body + "]}";
}

std::string ManyMembers(int members) {
  std::string body = R"({"id":"x")";
  for (int i = 0; i < members; ++i) body += ",\"" + std::to_string(i) + "\":0";
  return body + "}";
}

enum class Framing {
  kWithLength,
  kOneChunk,
  kEndless,  // `head` and then `body`, as they are: again and again, until the gateway hangs up
};

struct Hostile {
  std::string name;
  std::string body;
  // Of a list, which is asked for where there is a request_id; else of the answer to a write.
  bool is_list = false;
  Framing framing = Framing::kWithLength;
  std::string head = {};

  friend void PrintTo(const Hostile& shown, std::ostream* out) { *out << shown.name; }
};

constexpr char kStatus[] = "HTTP/1.1 200 OK\r\n";
constexpr char kChunked[] = "Transfer-Encoding: chunked\r\n\r\n";

Hostile Endless(const std::string& of, const std::string& head, const std::string& unit) {
  return {.name = "Endless" + of,
          .body = Repeated(unit, kMiB),
          .framing = Framing::kEndless,
          .head = head};
}

void Send(const Hostile& hostile, RawConnection& connection) {
  switch (hostile.framing) {
    case Framing::kWithLength:
      connection.Write(absl::StrCat(kStatus, "Content-Length: ", hostile.body.size(), "\r\n\r\n"));
      connection.Write(hostile.body);
      return;
    case Framing::kOneChunk:
      connection.Write(absl::StrCat(kStatus, kChunked, absl::Hex(hostile.body.size()), "\r\n"));
      connection.Write(hostile.body);
      connection.Write("\r\n0\r\n\r\n");
      return;
    case Framing::kEndless:
      connection.Write(hostile.head);
      while (connection.Write(hostile.body)) {
      }
      return;
  }
}

std::vector<Hostile> Bodies() {
  const std::string item =
      R"({"id":"a2c4393a-e219-67a4-5ab4-2186952e9038","product":{"alias":"forexo_basic"},"n":")" +
      std::string(100, 'x') + "\"}";
  return {
      // The most values that are read.
      {"WrongElements", ListOf("history", "0", 19'000)},
      {"EmptyObjects", ListOf("unknown", "{}", 19'000)},
      {"EmptyTasks", ListOf("required_tasks", "{}", 19'000)},
      {"UnknownEnums", ListOf("approval_blockers", R"({"blocker_type":"Q"})", 9'000)},
      {"Members", ManyMembers(19'000)},
      {"LongNumbers", ListOf("unknown", std::string(50, '9'), 19'000)},
      {"Nesting", ListOf("unknown", std::string(60, '[') + std::string(60, ']'), 300)},
      // The longest that is read.
      {"TooManyValues", ListOf("history", "0", static_cast<int>(kMiB / 2 - 20))},
      {"Text", R"({"id":"x","unknown":")" + Repeated("a", kMiB - 100) + "\"}"},
      {"BrokenText", R"({"id":"x","unknown":")" + Repeated("\xff", kMiB - 100) + "\"}"},
      {"Surrogates", R"({"id":"x","unknown":")" + Repeated("\\ud800", kMiB - 100) + "\"}"},
      {"List", "[" + Repeated(item + ",", 4 * kMiB - 1000) + item + "]", true},
      {"ListOfZeros", "[" + Repeated("0,", 4 * kMiB - 1000) + "0]", true},
      {"ListOfText", R"([{"id":")" + Repeated("a", 4 * kMiB - 1000) + "\"}]", true},
      // Longer than that.
      {"LongList", "[" + Repeated(item + ",", 16 * kMiB) + item + "]", true},
      {"LongListWithoutALength", "[" + Repeated(item + ",", 16 * kMiB) + item + "]", true,
       Framing::kOneChunk},
      Endless("Body", absl::StrCat(kStatus, "\r\n"), std::string(1000, 'x')),
      Endless("ChunkExtensions", absl::StrCat(kStatus, kChunked),
              "1;" + std::string(1000, 'x') + "\r\n \r\n"),
      Endless("SmallChunks", absl::StrCat(kStatus, kChunked), "1\r\n \r\n"),
      Endless("Trailers", absl::StrCat(kStatus, kChunked, "0\r\n"),
              "x: " + std::string(1000, 'x') + "\r\n"),
      Endless("Headers", kStatus, "x: " + std::string(1000, 'x') + "\r\n"),
      Endless("InterimResponses", "", "HTTP/1.1 100 Continue\r\n\r\n"),
  };
}

void RunOnlyWhenIdle(bool only_when_idle) {
  const sched_param none = {};
  // 0 is the calling thread, on Linux.
  ASSERT_EQ(sched_setscheduler(0, only_when_idle ? SCHED_IDLE : SCHED_OTHER, &none), 0);
}

// Of every round, whatever the machine does.
constexpr std::chrono::milliseconds kAllowedAlways{250};
constexpr int kSlowerThanElsewhere = 10;

// The slowest call of another caller, and of one at a gateway beside it that nobody attacks.
struct Slowest {
  std::chrono::milliseconds here{0};
  std::chrono::milliseconds elsewhere{0};
};

class HostileBodyTest : public ::testing::TestWithParam<Hostile> {
 protected:
  static Slowest Attack();
};

Slowest HostileBodyTest::Attack() {
  // A thread for each connection, so that large bodies do not keep the small ones here already.
  RawHttpServer passfort([](RawConnection& connection) {
    while (const auto request = connection.ReadRequest()) {
      const bool is_hostile = GetParam().is_list
                                  ? request->method == "GET"
                                  : request->target.find(kAttackedProfile) != std::string::npos;
      if (!is_hostile) {
        connection.Answer(200, R"({"id":"a1"})");
        continue;
      }
      // Passfort is another machine: sending what is large takes no time from the gateway and its
      // other callers, and no lock that they need. A copy of the body would take the one of all
      // memory of this process.
      RunOnlyWhenIdle(true);
      Send(GetParam(), connection);
      RunOnlyWhenIdle(false);
    }
  });
  // Open, it would refuse the others because of what fails here.
  std::vector<std::string> flags = {"--circuit_breaker=off"};
  if (GetParam().is_list) flags.emplace_back("--store=sqlite::memory:");
  const GatewayProcess gateway({.api_url = passfort.Url(), .flags = flags});
  const GatewayCaller caller(gateway.target());
  RawHttpServer honest_passfort(AnswerAll(R"({"id":"a1"})"));
  const GatewayProcess unattacked({.api_url = honest_passfort.Url()});
  const auto ask = [](int) { return ARequest(); };
  Bystander elsewhere(unattacked.target(), ask);
  Bystander other(gateway.target(), ask);
  ManyCalls calls;
  for (int i = 0; i < kAtATime; ++i) {
    auto request = ARequest();
    request.set_profile_id(kAttackedProfile);
    if (GetParam().is_list) {
      // A profile of its own for each, or they would wait for each other.
      request.mutable_profile_id()->replace(0, 2, std::to_string(10 + i));
      request.set_request_id("r" + std::to_string(i));
    }
    calls.Start(caller, request);
  }
  int without_word = 0;
  calls.ForEach([&](const Answered& answered) {
    if (!answered.status.ok() && ReasonOf(answered.status).empty()) ++without_word;
  });
  other.Stop();
  elsewhere.Stop();
  EXPECT_EQ(without_word, 0);
  EXPECT_EQ(other.failed(), 0) << other.WhyItFailed();
  EXPECT_LT(gateway.PeakResidentBytes(), kMaxResidentBytes);
  RecordProperty("calls_of_others", other.calls());
  RecordProperty("p99_ms_of_others", static_cast<int>(other.Slow().count()));
  RecordProperty("slowest_ms_of_others", static_cast<int>(other.Slowest().count()));
  RecordProperty("slowest_ms_elsewhere", static_cast<int>(elsewhere.Slowest().count()));
  RecordProperty(
      "max_turn_us",
      static_cast<int>(1e6 * gateway.Counter("passfort_gateway_loop_longest_turn_seconds", {})));
  RecordProperty("peak_resident_mib", static_cast<int>(gateway.PeakResidentBytes() / kMiB));
  const Slowest slowest = {.here = other.Slowest(), .elsewhere = elsewhere.Slowest()};
  EXPECT_LT(slowest.here, kAllowedAlways + kSlowerThanElsewhere * slowest.elsewhere);
  return slowest;
}

TEST_P(HostileBodyTest, HoldsUpNoOtherCallerAndTakesLittleMemory) {
  // Wanted are 50 ms of what is deployed, which is optimized; this build takes up to twice as long.
  constexpr std::chrono::milliseconds kAllowed{2 * 50};
  constexpr int kRounds = 3;  // what holds a call up now and then is the machine
  Slowest slowest;
  for (int i = 0; i < kRounds; ++i) {
    slowest = Attack();
    if (slowest.here < kAllowed + slowest.elsewhere) return;
  }
  FAIL() << "a call of another caller took " << slowest.here.count() << " ms, and "
         << slowest.elsewhere.count() << " ms at a gateway beside it that nobody attacks";
}

INSTANTIATE_TEST_SUITE_P(All, HostileBodyTest, ::testing::ValuesIn(Bodies()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace gateway
