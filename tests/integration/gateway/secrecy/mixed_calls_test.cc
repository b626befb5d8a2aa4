// Thousands of calls of all kinds while Passfort misbehaves. Of the persons they are about, nothing
// is kept, logged, counted, shown or told with an error; and each call has one line in the log,
// whose trace finds whatever else was logged of it.

#include "tests/integration/gateway/secrecy/mixed_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/integration/gateway/secrecy/bytes_in.h"
#include "tests/integration/gateway/secrecy/canaries.h"
#include "tests/integration/gateway/secrecy/log_by_trace.h"
#include "tests/support/gateway_process.h"
#include "tests/support/postgres_server.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSubsetOf;
using testing::Key;

// With each store.
constexpr int kCalls = kHasSanitizer ? 500 : 5000;

// The lines that are of no call: of the process, of Passfort's and the store's state.
const std::vector<std::string>& LinesOfNoCall() {
  static const auto& lines = *new std::vector<std::string>{
      "serving",
      "draining",
      "stopped",
      "Passfort cannot be reached: nothing is sent",
      "Passfort can be reached again",
      "rate limited by Passfort; calls are paused",
      "the store fails: what needs it is refused, and nothing is sent",
      "the store is available again",
  };
  return lines;
}

// Where Passfort, or the way to it, had a part in it.
bool IsFailureAtPassfort(const CallMade& call) {
  return call.reason.starts_with("PASSFORT_") || call.reason == "OUTCOME_UNKNOWN" ||
         call.reason == "READ_UNANSWERED" || call.reason == "NOT_CREATED";
}

// A store and a way to see each byte of it.
class SeenStore {
 public:
  virtual ~SeenStore() = default;
  virtual std::string url() const = 0;
  virtual std::string Bytes() const = 0;
};

class SqliteFiles : public SeenStore {
 public:
  std::string url() const override { return "sqlite:" + folder_.File("records.db"); }
  std::string Bytes() const override { return BytesIn(folder_); }

 private:
  const TemporaryFolder folder_;
};

class PostgresDump : public SeenStore {
 public:
  std::string url() const override { return url_; }
  std::string Bytes() const override {
    const std::unique_ptr<FILE, int (*)(FILE*)> dump(
        popen(("pg_dump --dbname='" + url_ + "'").c_str(), "r"), pclose);
    std::string bytes;
    std::array<char, 4096> buffer;
    for (size_t read; (read = fread(buffer.data(), 1, buffer.size(), dump.get())) > 0;) {
      bytes.append(buffer.data(), read);
    }
    return bytes;
  }

 private:
  const std::string url_ =
      PostgresServer::OfThisProgram().TlsUrl(PostgresServer::OfThisProgram().CreateDatabase());
};

struct StoreKind {
  std::string name;
  std::unique_ptr<SeenStore> (*make)();

  friend void PrintTo(const StoreKind& shown, std::ostream* out) { *out << shown.name; }
};

// The calls that failed and whose lines do not say what was wrong at Passfort.
std::vector<std::string> WithoutCause(const std::vector<CallMade>& calls, const LogByTrace& log) {
  std::vector<std::string> without;
  for (const CallMade& call : calls) {
    if (!IsFailureAtPassfort(call) || call.trace_id.empty()) continue;
    if (!log.TellsCause(call.trace_id)) without.push_back(log.CallOf(call.trace_id).dump());
  }
  return without;
}

// One line each, with what the caller was told; those that were given up at most one.
void ExpectALineOfEach(const std::vector<CallMade>& calls, const LogByTrace& log) {
  std::map<std::string, int> lines = log.CallsByTrace();
  int without_trace = 0;
  int given_up_without_trace = 0;
  for (const CallMade& call : calls) {
    if (call.trace_id.empty()) {
      ++(call.is_answered ? without_trace : given_up_without_trace);
      continue;
    }
    const auto found = lines.find(call.trace_id);
    const int count = found == lines.end() ? 0 : found->second;
    if (found != lines.end()) lines.erase(found);
    if (!call.is_answered) {
      EXPECT_LE(count, 1) << call.trace_id;
      continue;
    }
    EXPECT_EQ(count, 1) << call.trace_id << " " << call.reason;
    if (count != 1) continue;
    const auto line = log.CallOf(call.trace_id);
    EXPECT_EQ(line.value("reason", ""), call.reason) << line;
    EXPECT_EQ(line.value("code", "") == "OK", call.reason.empty()) << line;
    if (!call.phase.empty()) EXPECT_EQ(line.value("phase", ""), call.phase) << line;
  }
  // What is left has traces that the gateway began: each of one call.
  int begun = 0;
  for (const auto& [trace_id, count] : lines) {
    EXPECT_EQ(count, 1) << "lines of a call that nobody made: " << trace_id;
    ++begun;
  }
  EXPECT_GE(begun, without_trace);
  EXPECT_LE(begun, without_trace + given_up_without_trace);
}

// What Passfort was asked is in the traces of calls.
void ExpectTracesAtPassfort(const FakePassfort& passfort, const LogByTrace& log) {
  const std::map<std::string, int> calls = log.CallsByTrace();
  for (const LoggedRequest& request : passfort.requests()) {
    int headers = 0;
    for (const auto& [name, value] : request.headers) {
      if (name != "traceparent") continue;
      ++headers;
      EXPECT_TRUE(calls.contains(value.substr(3, 32))) << request.method << request.target;
    }
    EXPECT_EQ(headers, 1);
  }
}

class PersonsTest : public testing::TestWithParam<StoreKind> {};

TEST_P(PersonsTest, LeaveNothingBehindAndEachCallHasItsLine) {
  const std::unique_ptr<SeenStore> store = GetParam().make();
  FakePassfort passfort;
  GatewayProcess gateway(
      {.api_url = passfort.url(),
       .flags = {"--log_level=debug", "--circuit_breaker=off", "--settle_window=10ms",
                 "--attempt_timeout=2s", "--lease_duration=500ms", "--max_deadline=10s",
                 "--default_deadline=10s", "--max_in_flight=32"},
       .environment = {"PASSFORT_GATEWAY_STORE=" + store->url()}});
  MixedCalls calls(passfort, gateway.target(), kCalls);
  calls.Run();

  // All of it happened, and there was somebody to be found.
  const std::map<std::string, int> ends = calls.Ends();
  EXPECT_GT(ends.at("OK"), kCalls / 4);
  for (const char* end :
       {"INVALID_REQUEST", "UNKNOWN_METHOD", "OUTCOME_UNKNOWN", "PASSFORT_FAILED", "given up"}) {
    EXPECT_THAT(ends, Contains(Key(end)));
  }
  // A tenth of the calls on a slow machine may do without these.
  if (!kHasSanitizer) {
    EXPECT_THAT(ends, Contains(Key("OVERLOADED")));
    EXPECT_THAT(ends, Contains(Key("READ_UNANSWERED")));
  }
  EXPECT_GT(calls.shown_persons(), kCalls / 10);
  const std::string kept = store->Bytes();
  EXPECT_THAT(kept, HasSubstr("caller-0-1"));

  const Words persons = {kPerson};
  EXPECT_THAT(Found(persons, calls.errors()), IsEmpty());
  EXPECT_THAT(Found(persons, gateway.Metrics()), IsEmpty());
  EXPECT_THAT(Found(persons, gateway.Page("/")), IsEmpty());
  EXPECT_THAT(Found(persons, gateway.FreshStatus()), IsEmpty());
  EXPECT_THAT(Found(persons, kept), IsEmpty());
  EXPECT_EQ(gateway.Counter("passfort_gateway_log_lines_dropped_total", {}), 0);
  gateway.Signal(SIGTERM);
  EXPECT_EQ(gateway.WaitForExit(), 0);
  EXPECT_THAT(Found(persons, gateway.LogText()), IsEmpty());
  EXPECT_THAT(Found(persons, store->Bytes()), IsEmpty());

  const LogByTrace log(gateway.LogLines());
  ExpectALineOfEach(calls.made(), log);
  EXPECT_THAT(WithoutCause(calls.made(), log), IsEmpty());
  EXPECT_THAT(log.without_trace(), IsSubsetOf(LinesOfNoCall()));
  ExpectTracesAtPassfort(passfort, log);
  EXPECT_LT(log.lines(), 2 * kCalls) << "more than twice as many lines as calls";
}

INSTANTIATE_TEST_SUITE_P(Stores, PersonsTest,
                         testing::Values(StoreKind{"Sqlite",
                                                   []() -> std::unique_ptr<SeenStore> {
                                                     return std::make_unique<SqliteFiles>();
                                                   }},
                                         StoreKind{"Postgres",
                                                   []() -> std::unique_ptr<SeenStore> {
                                                     return std::make_unique<PostgresDump>();
                                                   }}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
