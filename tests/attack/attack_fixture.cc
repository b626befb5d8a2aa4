#include "tests/attack/attack_fixture.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr auto kPauseOfBystander = 10ms;
constexpr int kMinCalls = 20;
// Beside what the machine itself makes calls wait, at a gateway that nobody attacks too.
constexpr std::chrono::milliseconds kLongestWait{250};
constexpr std::chrono::seconds kNewCallerTime{1};
constexpr double kAnsweredShare = 0.99;

constexpr size_t kMebibyte = size_t{1024} * 1024;
// Ends a gateway that does not withstand before it takes the machine's memory. Stacks of threads
// count as a whole.
constexpr size_t kMaxDataBytes = 512 * kMebibyte;

}  // namespace

Refusals RefusedByGrpc(std::string_view reason) {
  return {.metric = "passfort_gateway_grpc_refusals_total",
          .labels = {absl::StrCat("reason=\"", std::string(reason), "\"")}};
}

Refusals RefusedConnections(std::string_view reason) {
  return {.metric = "passfort_gateway_connections_refused_total",
          .labels = {absl::StrCat("reason=\"", std::string(reason), "\"")}};
}

Refusals AnsweredWith(std::string_view code) {
  return {.metric = "grpc_server_handled_total",
          .labels = {absl::StrCat("grpc_code=\"", std::string(code), "\"")}};
}

Bystander::Bystander(const std::string& target, Asks asks)
    : caller_(target), asks_(std::move(asks)) {
  const Answered first = caller_.Add(asks_(0));
  EXPECT_TRUE(first.status.ok()) << first.status.error_message();
  thread_ = std::thread([this] {
    while (!stop_ || took_.size() < kMinCalls) {
      const auto start = std::chrono::steady_clock::now();
      const Answered answered = caller_.Add(asks_(calls() + 1));
      took_.push_back(std::chrono::steady_clock::now() - start);
      if (!answered.status.ok()) {
        failed_.push_back(
            absl::StrCat(answered.status.error_code(), " ", answered.status.error_message()));
      }
      std::this_thread::sleep_for(kPauseOfBystander);
    }
  });
}

void Bystander::Stop() {
  stop_ = true;
  thread_.join();
}

std::chrono::milliseconds Bystander::Slow() const {
  auto sorted = took_;
  std::ranges::sort(sorted);
  return std::chrono::duration_cast<std::chrono::milliseconds>(sorted[sorted.size() * 99 / 100]);
}

std::chrono::milliseconds Bystander::Slowest() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(*std::ranges::max_element(took_));
}

AttackFixture::AttackFixture(std::vector<std::string> flags, int max_descriptors)
    : gateway({.api_url = passfort.url(),
               .flags = std::move(flags),
               .max_descriptors = max_descriptors}) {
  const rlimit limit = {.rlim_cur = kMaxDataBytes, .rlim_max = kMaxDataBytes};
  EXPECT_EQ(prlimit(gateway.pid(), RLIMIT_DATA, &limit, nullptr), 0);
}

void AttackFixture::Withstands(int attackers, const Attack& attack,
                               const std::vector<Refusals>& refusals) {
  const GatewayProcess unattacked({.api_url = passfort.url()});
  Bystander elsewhere(unattacked.target(), [](int) { return ARequest(); });
  Bystander bystander(gateway.target(), others_ask);
  RunAttack(attackers, attack, kAttackTime);
  if (!HaveAll(refusals)) RunAttack(attackers, attack, kBusyMachineTime);
  ExpectANewcomerIsServed(unattacked);
  bystander.Stop();
  elsewhere.Stop();

  const int answered = bystander.calls() - bystander.failed();
  EXPECT_GE(answered, kAnsweredShare * bystander.calls())
      << bystander.failed() << " of " << bystander.calls()
      << " calls of another caller failed: " << bystander.WhyItFailed();
  EXPECT_LT(bystander.Slow(), kLongestWait + elsewhere.Slow())
      << bystander.Slow().count() << " ms, and " << elsewhere.Slow().count()
      << " ms at a gateway beside it that nobody attacks";
  const size_t peak = gateway.PeakResidentBytes();
  EXPECT_LT(peak, kMaxResidentBytes) << peak / kMebibyte << " MiB";
  for (const Refusals& refused : refusals) {
    EXPECT_GT(CountOf(refused), 0)
        << refused.metric << "{" << absl::StrJoin(refused.labels, ",") << "}";
  }
  std::cout << "others: " << answered << " of " << bystander.calls() << " answered, 99 % within "
            << bystander.Slow().count() << " ms (" << elsewhere.Slow().count()
            << " ms without attack); peak " << peak / kMebibyte << " MiB\n";
}

void AttackFixture::RunAttack(int attackers, const Attack& attack, std::chrono::seconds time) {
  std::vector<std::thread> threads;
  const auto end = Clock::now() + time;
  for (int i = 0; i < attackers; ++i) threads.emplace_back([&] { attack(end); });
  for (auto& thread : threads) thread.join();
}

double AttackFixture::CountOf(const Refusals& refused) const {
  return gateway.Counter(refused.metric, refused.labels);
}

bool AttackFixture::HaveAll(const std::vector<Refusals>& refusals) const {
  return std::ranges::all_of(refusals,
                             [&](const Refusals& refused) { return CountOf(refused) > 0; });
}

void AttackFixture::HoldCallsOfAttackers() {
  passfort.Script({.endpoint = Endpoint::kAdd,
                   .profile_id = kAttackersProfile,
                   .times = Fault::kAlways,
                   .hold = Fault::Hold::kBeforeAnswer});
}

// Within a second, unless the machine is so busy that a gateway which nobody attacked takes longer.
void AttackFixture::ExpectANewcomerIsServed(const GatewayProcess& unattacked) const {
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    const Answered here = GatewayCaller(gateway.target()).Add(ARequest(), kNewCallerTime);
    if (here.status.ok()) return;
    const Answered there = GatewayCaller(unattacked.target()).Add(ARequest(), kNewCallerTime);
    ASSERT_FALSE(there.status.ok())
        << "a new caller was not served: " << here.status.error_message();
  }
  FAIL() << "this machine has no second for a new caller, not even of a gateway at rest";
}

pb::AddProductApplicationRequest AttackersRequest() {
  auto request = ARequest();
  request.set_profile_id(kAttackersProfile);
  return request;
}

}  // namespace gateway
