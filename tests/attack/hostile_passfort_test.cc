// What a Passfort gone mad could do to the callers of the gateway: bodies made to be slow to read
// or large in memory, many at a time.

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <mutex>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/attack/attack_fixture.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/read_caller.h"

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
  kItemOfItsOwn,  // of a list, which begins with an id that no other profile has
  kEndless,  // `head` and then `body`, as they are: again and again, until the gateway hangs up
};

// What a body is the answer to.
enum class AnswerTo {
  kWrite,
  kWriteOfManyCalls,  // one write for all calls, which have one request_id
  kList,              // which is asked for where there is a request_id
  kListAfterLostWrite,
  kProfile,  // which GetProfile asks for
};

struct Hostile {
  std::string name;
  std::string body;
  AnswerTo answer_to = AnswerTo::kWrite;
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

void Send(const Hostile& hostile, const RawRequest& request, RawConnection& connection) {
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
    case Framing::kItemOfItsOwn: {
      const std::string head = absl::StrCat(R"([{"id":")", request.target, R"(",)");
      connection.Write(absl::StrCat(kStatus, "Content-Length: ", head.size() + hostile.body.size(),
                                    "\r\n\r\n", head));
      connection.Write(hostile.body);
      return;
    }
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
  const std::string unknown_enums = ListOf("approval_blockers", R"({"blocker_type":"Q"})", 9'000);
  const std::string long_application =
      R"("product":{"alias":"forexo_basic"},"approval_blockers":[)" +
      Repeated(R"({"blocker_type":"Q"},)", kMiB) + "0]}]";
  const std::string profile =
      absl::StrCat(R"("id":")", kAttackedProfile, R"(","applications":[)",
                   ListOf("approval_blockers", R"({"blocker_type":"Q"})", 30'000), "]");
  return {
      // The most values that are read.
      {"WrongElements", ListOf("history", "0", 19'000)},
      {"EmptyObjects", ListOf("unknown", "{}", 19'000)},
      {"EmptyTasks", ListOf("required_tasks", "{}", 19'000)},
      {"UnknownEnums", unknown_enums},
      {"UnknownEnumsForMany", unknown_enums, AnswerTo::kWriteOfManyCalls},
      {"Members", ManyMembers(19'000)},
      {"LongNumbers", ListOf("unknown", std::string(50, '9'), 19'000)},
      {"Nesting", ListOf("unknown", std::string(60, '[') + std::string(60, ']'), 300)},
      // The longest that is read.
      {"TooManyValues", ListOf("history", "0", static_cast<int>(kMiB / 2 - 20))},
      {"Text", R"({"id":"x","unknown":")" + Repeated("a", kMiB - 100) + "\"}"},
      {"BrokenText", R"({"id":"x","unknown":")" + Repeated("\xff", kMiB - 100) + "\"}"},
      {"Surrogates", R"({"id":"x","unknown":")" + Repeated("\\ud800", kMiB - 100) + "\"}"},
      {"List", "[" + Repeated(item + ",", 4 * kMiB - 1000) + item + "]", AnswerTo::kList},
      {"ListOfZeros", "[" + Repeated("0,", 4 * kMiB - 1000) + "0]", AnswerTo::kList},
      {"ListOfText", R"([{"id":")" + Repeated("a", 4 * kMiB - 1000) + "\"}]", AnswerTo::kList},
      {"Profile", "{" + profile + "}", AnswerTo::kProfile},
      {"ProfileWithDuplicateKeys", "{" + profile + R"(,"n":1,"n":2})", AnswerTo::kProfile},
      {"LongApplication", long_application, AnswerTo::kListAfterLostWrite, Framing::kItemOfItsOwn},
      // Longer than that.
      {"LongList", "[" + Repeated(item + ",", 16 * kMiB) + item + "]", AnswerTo::kList},
      {"LongListWithoutALength", "[" + Repeated(item + ",", 16 * kMiB) + item + "]",
       AnswerTo::kList, Framing::kOneChunk},
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

class HostilePassfort {
 public:
  // `hostile` outlives it.
  explicit HostilePassfort(const Hostile& hostile) : hostile_(hostile) {}

  void Serve(RawConnection& connection);

 private:
  enum class Answer { kHonest, kEmptyList, kHostile, kNone };

  Answer AnswerOf(const RawRequest& request);

  const Hostile& hostile_;
  std::mutex mutex_;
  std::set<std::string> lost_writes_;  // the paths; guarded by mutex_
};

void HostilePassfort::Serve(RawConnection& connection) {
  while (const auto request = connection.ReadRequest()) {
    switch (AnswerOf(*request)) {
      case Answer::kHonest:
        connection.Answer(200, R"({"id":"a1"})");
        break;
      case Answer::kEmptyList:
        connection.Answer(200, "[]");
        break;
      case Answer::kHostile:
        // Passfort is another machine: sending what is large takes no time from the gateway and its
        // other callers, and no lock that they need. A copy of the body would take the one of all
        // memory of this process.
        RunOnlyWhenIdle(true);
        Send(hostile_, *request, connection);
        RunOnlyWhenIdle(false);
        break;
      case Answer::kNone:
        return connection.Reset();
    }
  }
}

HostilePassfort::Answer HostilePassfort::AnswerOf(const RawRequest& request) {
  const bool is_list = request.method == "GET";
  // Some have profiles of their own, which begin with other digits.
  const bool is_attacked = request.target.find(kAttackedProfile + 2) != std::string::npos;
  switch (hostile_.answer_to) {
    case AnswerTo::kWrite:
      return is_attacked ? Answer::kHostile : Answer::kHonest;
    case AnswerTo::kWriteOfManyCalls:
      if (is_list) return Answer::kEmptyList;
      return is_attacked ? Answer::kHostile : Answer::kHonest;
    case AnswerTo::kList:
      return is_list ? Answer::kHostile : Answer::kHonest;
    case AnswerTo::kProfile:
      return is_list ? Answer::kHostile : Answer::kHonest;
    case AnswerTo::kListAfterLostWrite:
      if (!is_attacked) return Answer::kHonest;
      const std::lock_guard lock(mutex_);
      if (is_list) {
        return lost_writes_.contains(request.target) ? Answer::kHostile : Answer::kEmptyList;
      }
      lost_writes_.insert(request.target);
      return Answer::kNone;
  }
  return Answer::kHonest;
}

class HostileBodyTest : public ::testing::TestWithParam<Hostile> {
 protected:
  static Slowest Attack();

 private:
  // Calls many times at a time. How many have failed without a reason.
  static int Write(const GatewayProcess& gateway);
  static int Read(const GatewayProcess& gateway);
};

int HostileBodyTest::Write(const GatewayProcess& gateway) {
  const GatewayCaller caller(gateway.target());
  ManyCalls calls;
  for (int i = 0; i < kAtATime; ++i) {
    auto request = ARequest();
    request.set_profile_id(kAttackedProfile);
    if (GetParam().answer_to == AnswerTo::kWriteOfManyCalls) {
      request.set_request_id("r");
    } else if (GetParam().answer_to != AnswerTo::kWrite) {
      // A profile of its own for each, or they would wait for each other.
      request.mutable_profile_id()->replace(0, 2, std::to_string(10 + i));
      request.set_request_id("r" + std::to_string(i));
    }
    calls.Start(caller, request);
  }
  int without_word = 0;
  calls.ForEach([&](const Answered& answered) {
    if (!answered.status.ok() && ReasonOf(answered.status).empty()) ++without_word;
    if (GetParam().answer_to == AnswerTo::kListAfterLostWrite) {
      EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
    }
  });
  return without_word;
}

int HostileBodyTest::Read(const GatewayProcess& gateway) {
  const ReadCaller caller(gateway.target());
  std::vector<std::future<grpc::Status>> calls;
  for (int i = 0; i < kAtATime; ++i) {
    calls.push_back(std::async(std::launch::async,
                               [&caller] { return caller.GetProfile(kAttackedProfile).status; }));
  }
  return static_cast<int>(std::ranges::count_if(calls, [](std::future<grpc::Status>& call) {
    const grpc::Status status = call.get();
    return !status.ok() && ReasonOf(status).empty();
  }));
}

Slowest HostileBodyTest::Attack() {
  // A thread for each connection, so that large bodies do not keep the small ones here already.
  HostilePassfort hostile(GetParam());
  RawHttpServer passfort([&hostile](RawConnection& connection) { hostile.Serve(connection); });
  // Open, it would refuse the others because of what fails here.
  std::vector<std::string> flags = {"--circuit_breaker=off"};
  if (GetParam().answer_to != AnswerTo::kWrite) flags.emplace_back("--store=sqlite::memory:");
  const GatewayProcess gateway({.api_url = passfort.Url(), .flags = flags});
  RawHttpServer honest_passfort(AnswerAll(R"({"id":"a1"})"));
  const GatewayProcess unattacked({.api_url = honest_passfort.Url()});
  const auto ask = [](int) { return ARequest(); };
  Bystander elsewhere(unattacked.target(), ask);
  Bystander other(gateway.target(), ask);
  const int without_word =
      GetParam().answer_to == AnswerTo::kProfile ? Read(gateway) : Write(gateway);
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
