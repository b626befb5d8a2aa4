#include "tests/attack/attack_bench.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr auto kPauseOfBystander = 10ms;
constexpr int kFewestCalls = 20;
constexpr std::chrono::milliseconds kSlowest{250};
constexpr std::chrono::seconds kNewCallerTime{1};
constexpr double kAnsweredShare = 0.99;

constexpr size_t kMebibyte = size_t{1024} * 1024;
// Ends a gateway that does not withstand before it takes the machine's memory. Stacks of threads
// count as a whole.
constexpr size_t kMaxDataBytes = 1024 * kMebibyte;

// What the machine has done, in ticks of all its processors.
struct MachineTime {
  int64_t busy = 0;
  int64_t all = 0;
};

MachineTime ReadMachineTime() {
  std::ifstream file("/proc/stat");
  std::string name;
  file >> name;
  MachineTime time;
  constexpr int kIdle = 3;
  constexpr int kWaitingForDisk = 4;
  constexpr int kStolen = 7;
  for (int column = 0; column <= kStolen; ++column) {
    int64_t ticks = 0;
    file >> ticks;
    time.all += ticks;
    if (column != kIdle && column != kWaitingForDisk) time.busy += ticks;
  }
  return time;
}

// Of processor time, in ticks.
int64_t TimeOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat);
  // The program's name ends with the last ')'; its times are 11 and 12 fields later.
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  int64_t user = 0;
  int64_t system = 0;
  fields >> user >> system;
  return user + system;
}

// Whether the machine has been at work for anybody but the test and its gateway.
class Neighbours {
 public:
  explicit Neighbours(pid_t gateway) : gateway_(gateway) {}

  bool AreBusy() const {
    constexpr double kMuch = 0.2;  // of the machine
    const MachineTime now = ReadMachineTime();
    const auto others = (now.busy - machine_.busy) - (Own() - own_);
    return static_cast<double>(others) > kMuch * static_cast<double>(now.all - machine_.all);
  }

 private:
  int64_t Own() const { return TimeOf(getpid()) + TimeOf(gateway_); }

  const pid_t gateway_;
  const MachineTime machine_ = ReadMachineTime();
  const int64_t own_ = Own();
};

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
  thread_ = std::thread([this] {
    while (!stop_ || took_.size() < kFewestCalls) {
      const auto start = std::chrono::steady_clock::now();
      const Answered answered = caller_.Add(asks_(calls()));
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

AttackBench::AttackBench(std::vector<std::string> flags, int max_descriptors)
    : gateway({.api_url = passfort.url(),
               .flags = std::move(flags),
               .max_descriptors = max_descriptors}) {
  const rlimit limit = {.rlim_cur = kMaxDataBytes, .rlim_max = kMaxDataBytes};
  EXPECT_EQ(prlimit(gateway.pid(), RLIMIT_DATA, &limit, nullptr), 0);
}

void AttackBench::Withstands(int attackers, const Attack& attack,
                             const std::vector<Refusals>& refusals) {
  Bystander bystander(gateway.target(), others_ask);
  const Neighbours neighbours(gateway.pid());
  std::vector<std::thread> threads;
  const auto end = Clock::now() + kAttackTime;
  for (int i = 0; i < attackers; ++i) threads.emplace_back([&] { attack(end); });
  for (auto& thread : threads) thread.join();
  ExpectANewcomerIsServed();
  bystander.Stop();

  const int answered = bystander.calls() - bystander.failed();
  EXPECT_GE(answered, kAnsweredShare * bystander.calls())
      << bystander.failed() << " of " << bystander.calls()
      << " calls of another caller failed: " << bystander.WhyItFailed();
  const bool is_busy = neighbours.AreBusy();
  if (!is_busy) EXPECT_LT(bystander.Slow(), kSlowest) << bystander.Slow().count() << " ms";
  const size_t peak = gateway.PeakResidentBytes();
  EXPECT_LT(peak, kMaxResidentBytes) << peak / kMebibyte << " MiB";
  for (const Refusals& refused : refusals) {
    EXPECT_GT(gateway.Counter(refused.metric, refused.labels), 0)
        << refused.metric << "{" << absl::StrJoin(refused.labels, ",") << "}";
  }
  std::cout << "others: " << answered << " of " << bystander.calls() << " answered, 99 % within "
            << bystander.Slow().count() << " ms" << (is_busy ? " (busy machine)" : "") << "; peak "
            << peak / kMebibyte << " MiB\n";
}

void AttackBench::HoldCallsOfAttackers() {
  passfort.Script({.endpoint = Endpoint::kAdd,
                   .profile_id = kAttackersProfile,
                   .times = Fault::kAlways,
                   .hold = Fault::Hold::kBeforeAnswer});
}

// On a quiet machine it is the first; on a busy one that may miss its second.
void AttackBench::ExpectANewcomerIsServed() const {
  constexpr int kNewcomers = 5;
  Answered answered;
  for (int i = 0; i < kNewcomers; ++i) {
    answered = GatewayCaller(gateway.target()).Add(ARequest(), kNewCallerTime);
    if (answered.status.ok()) return;
  }
  ADD_FAILURE() << "none of " << kNewcomers
                << " new callers was served: " << answered.status.error_message();
}

pb::AddProductApplicationRequest AttackersRequest() {
  auto request = ARequest();
  request.set_profile_id(kAttackersProfile);
  return request;
}

}  // namespace gateway
