// Gateways that share a store, and a caller that wants more than it may have in a day, while
// gateways die at every step and responses are lost.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/chaos/cluster.h"
#include "tests/integration/gateway/access/access_fixture.h"
#include "tests/support/postgres_server.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr int kLimit = 100;
constexpr size_t kGateways = 2;
constexpr int kCallersOfEach = 64;
constexpr std::chrono::milliseconds kPause{20};

// How many times a gateway lives on past the step, life after life.
constexpr int kLives[] = {2, 5, 3};

class BudgetUnderLoadTest : public testing::TestWithParam<std::string> {
 protected:
  BudgetUnderLoadTest() {
    // A part of what is made is told to nobody, and a part is refused.
    passfort_.Script({.endpoint = Endpoint::kAdd,
                      .skip = 5,
                      .times = 40,
                      .send = Fault::Send::kNothing,
                      .then = Fault::Then::kReset});
    passfort_.Script({.endpoint = Endpoint::kAdd,
                      .skip = 10,
                      .times = 10,
                      .carry_out = Fault::CarryOut::kNever,
                      .send = Fault::Send::kNothing,
                      .then = Fault::Then::kReset});
    passfort_.Script({.endpoint = Endpoint::kAdd,
                      .skip = 15,
                      .times = 10,
                      .carry_out = Fault::CarryOut::kNever,
                      .answer = {.status = 422}});
  }

  GatewayCluster::Settings Settings() const {
    std::vector<std::string> failpoints;
    for (const int count : kLives) failpoints.push_back(absl::StrCat(GetParam(), ":kill:", count));
    const TlsIdentity identity = authority_.IssueFor(CallerContent());
    return {.api_url = passfort_.url(),
            .store = postgres_.Url(database_),
            .flags = {"--tls_cert_file=" + files_.File("tls.crt"),
                      "--tls_key_file=" + files_.File("tls.key"),
                      "--tls_client_ca_file=" + files_.File("ca.crt"),
                      "--callers_file=" + files_.File("callers.json")},
            .gateways = kGateways,
            .credentials = grpc::SslCredentials({.pem_root_certs = authority_.certificate_pem(),
                                                 .pem_private_key = identity.key_pem,
                                                 .pem_cert_chain = identity.certificate_pem}),
            .failpoints = std::move(failpoints)};
  }
  MountedFiles::Contents Files() const {
    const TlsIdentity server = authority_.Issue({"127.0.0.1", "localhost"});
    return {{"tls.crt", server.certificate_pem},
            {"tls.key", server.key_pem},
            {"ca.crt", authority_.certificate_pem()},
            {"callers.json", absl::StrCat(R"({"callers": [{"name": "onboarding", "principals": [")",
                                          kOnboarding, R"("], "max_in_flight": 5000,
                                          "writes_per_day": )",
                                          kLimit, R"(}], "default": null})")}};
  }
  int Number(const std::string& sql) { return std::stoi(postgres_.Execute(database_, sql)); }
  int Used() { return Number("SELECT COALESCE(sum(used), 0) FROM passfort_gateway_budgets"); }

  PostgresServer& postgres_ = PostgresServer::OfThisProgram();
  const std::string database_ = postgres_.CreateDatabase();
  FakePassfort passfort_;
  const TestAuthority authority_;
  const MountedFiles files_{Files()};
};

// Calls for `intent`, through one gateway after another, until it is done or the budget is used up.
// Another word is no end: the caller asks again.
bool IsDone(const GatewayCluster& cluster, const Intent& intent, size_t first,
            const std::atomic<bool>& is_calm) {
  auto give_up_at = std::chrono::steady_clock::now() + kCallBound;
  for (size_t calls = first;; ++calls) {
    const Answered answered =
        cluster.Caller(calls % cluster.size())->Add(RequestOf(intent), 10s * kSlowness);
    if (answered.status.ok()) return true;
    if (ReasonOf(answered.status) == "CALLER_BUDGET_REACHED") return false;
    if (!is_calm) give_up_at = std::chrono::steady_clock::now() + kCallBound;
    if (std::chrono::steady_clock::now() > give_up_at) {
      ADD_FAILURE() << intent.request_id << ": " << answered.status.error_message();
      return false;
    }
    std::this_thread::sleep_for(kPause);
  }
}

TEST_P(BudgetUnderLoadTest, NoMoreIsMadeThanTheDayAllowsAndWhatIsChargedIsMade) {
  GatewayCluster cluster(Settings());
  std::atomic<bool> is_calm = false;
  std::atomic<int> done = 0;
  std::vector<std::thread> callers;
  for (size_t i = 0; i < kGateways * kCallersOfEach; ++i) {
    callers.emplace_back([&, i] {
      while (IsDone(cluster, FreshIntent(), i, is_calm)) ++done;
    });
  }
  // A process dies with the thread that started it.
  std::vector<std::thread> undertakers;
  std::latch last_lives(kGateways);
  std::latch over(1);
  for (size_t place = 0; place < kGateways; ++place) {
    undertakers.emplace_back([&, place] {
      for (size_t life = 0; life < std::size(kLives); ++life) cluster.ReplaceDead(place);
      last_lives.count_down();
      over.wait();
    });
  }
  last_lives.wait();
  is_calm = true;
  for (std::thread& caller : callers) caller.join();
  over.count_down();
  for (std::thread& undertaker : undertakers) undertaker.join();

  EXPECT_EQ(passfort_.counts().created, kLimit);
  EXPECT_EQ(done, kLimit) << "every one of them is known to its caller";
  EXPECT_EQ(Used(), kLimit);
  EXPECT_EQ(Number("SELECT count(*) FROM passfort_gateway_records WHERE budget_day IS NOT NULL"),
            kLimit);
}

// With a sanitizer, one before anything is sent and one after it.
INSTANTIATE_TEST_SUITE_P(
    , BudgetUnderLoadTest,
    testing::ValuesIn(kHasSanitizer
                          ? std::vector<std::string>{"intent", "attempted"}
                          : std::vector<std::string>{"begin", "claimed", "intent", "attempted",
                                                     "resolving", "release", "finished"}),
    [](const auto& step) { return step.param; });

}  // namespace
}  // namespace gateway
