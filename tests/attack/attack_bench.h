#ifndef TESTS_ATTACK_ATTACK_BENCH_H_
#define TESTS_ATTACK_ATTACK_BENCH_H_

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/fakes/gateway_caller.h"
#include "tests/fakes/gateway_process.h"

namespace gateway {

inline constexpr std::chrono::seconds kAttackTime{5};
// Added where a machine that is busy otherwise has not got to the point.
inline constexpr std::chrono::seconds kBusyMachineTime{20};
inline constexpr std::chrono::seconds kNewCallerTime{1};
// Of the 512 MiB that its pod has.
inline constexpr size_t kMaxResidentBytes = 256 * 1024 * 1024;
// Ends a gateway that does not withstand before it takes the machine's memory.
inline constexpr rlim_t kMaxDataBytes = 1024 * 1024 * 1024;

// A caller with a connection of its own, which calls again and again while others attack.
class Bystander {
 public:
  explicit Bystander(const std::string& target) : caller_(target) {
    thread_ = std::thread([this] {
      while (!stop_) {
        ++calls_;
        if (caller_.Add().status.ok()) ++answered_;
      }
    });
  }

  // After one call at least.
  void Stop() {
    stop_ = true;
    thread_.join();
  }
  int calls() const { return calls_; }
  int answered() const { return answered_; }

 private:
  const GatewayCaller caller_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> calls_ = 0;
  std::atomic<int> answered_ = 0;
  std::thread thread_;
};

// A gateway that is attacked.
class AttackBench {
 public:
  using Clock = std::chrono::steady_clock;

  AttackBench() {
    const rlimit limit = {.rlim_cur = kMaxDataBytes, .rlim_max = kMaxDataBytes};
    EXPECT_EQ(prlimit(gateway.pid(), RLIMIT_DATA, &limit, nullptr), 0);
  }

  FakePassfort passfort;
  GatewayProcess gateway{{.api_url = passfort.url()}};

  // Runs `attack(end)` on `attackers` threads at a time and expects that the gateway lives, stays
  // small, serves the others meanwhile, and a newcomer within a second right after. The attack ends
  // at `end`.
  void Withstands(int attackers, const std::function<void(Clock::time_point end)>& attack) {
    Bystander bystander(gateway.target());
    std::vector<std::thread> threads;
    const auto end = Clock::now() + kAttackTime;
    for (int i = 0; i < attackers; ++i) threads.emplace_back([&] { attack(end); });
    for (auto& thread : threads) thread.join();
    ExpectANewcomerIsServed();
    bystander.Stop();
    EXPECT_GE(bystander.answered(), 0.99 * bystander.calls())
        << bystander.calls() - bystander.answered() << " of " << bystander.calls()
        << " calls of another caller failed";
    EXPECT_LT(gateway.PeakResidentBytes(), kMaxResidentBytes)
        << gateway.PeakResidentBytes() / (1024 * 1024) << " MiB";
    ::testing::Test::RecordProperty("calls_of_others", bystander.calls());
    ::testing::Test::RecordProperty("peak_resident_mib",
                                    static_cast<int>(gateway.PeakResidentBytes() / (1024 * 1024)));
  }

  // On a quiet machine it is the first; on a busy one that may miss its second.
  void ExpectANewcomerIsServed() {
    constexpr int kNewcomers = 5;
    Answered answered;
    for (int i = 0; i < kNewcomers; ++i) {
      answered = GatewayCaller(gateway.target()).Add(ARequest(), kNewCallerTime);
      if (answered.status.ok()) return;
    }
    ADD_FAILURE() << "none of " << kNewcomers
                  << " new callers was served: " << answered.status.error_message();
  }
};

}  // namespace gateway

#endif  // TESTS_ATTACK_ATTACK_BENCH_H_
