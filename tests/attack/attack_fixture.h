#ifndef TESTS_ATTACK_ATTACK_FIXTURE_H_
#define TESTS_ATTACK_ATTACK_FIXTURE_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"

namespace gateway {

// What the gateway did to calls or connections that it did not serve, as its operator sees it.
struct Refusals {
  std::string metric;
  std::vector<std::string> labels;
};

// Of gRPC's own, as cmake/grpc/grpc-1.51.1.patch counts them.
Refusals RefusedByGrpc(std::string_view reason);
// Of our own.
Refusals RefusedConnections(std::string_view reason);
Refusals AnsweredWith(std::string_view code);

// A caller with a connection of its own, which calls about a hundred times a second while others
// attack.
class Bystander {
 public:
  // Makes a call's request of its number.
  using Asks = std::function<pb::AddProductApplicationRequest(int call)>;

  // Has its connection, and the answer to a first call, before it begins.
  Bystander(const std::string& target, Asks asks);

  // After a few calls at least. Once.
  void Stop();
  int calls() const { return static_cast<int>(took_.size()); }
  int failed() const { return static_cast<int>(failed_.size()); }
  // Of the first that failed.
  std::string WhyItFailed() const { return failed_.empty() ? "" : failed_.front(); }
  // All but one in a hundred were answered within this time.
  std::chrono::milliseconds Slow() const;
  std::chrono::milliseconds Slowest() const;

 private:
  const GatewayCaller caller_;
  const Asks asks_;
  std::atomic<bool> stop_ = false;
  // The thread's until `Stop`.
  std::vector<std::chrono::nanoseconds> took_;
  std::vector<std::string> failed_;
  std::thread thread_;
};

// A gateway that is attacked.
class AttackFixture {
 public:
  using Clock = std::chrono::steady_clock;
  // The attack goes on until `end`.
  using Attack = std::function<void(Clock::time_point end)>;

  // `max_descriptors`: of the gateway; 0: as many as the test has.
  explicit AttackFixture(std::vector<std::string> flags = {}, int max_descriptors = 0);

  FakePassfort passfort;
  GatewayProcess gateway;
  Bystander::Asks others_ask = [](int) { return ARequest(); };

  // Runs `attack` on `attackers` threads at a time and expects that the gateway lives, stays small,
  // serves the others meanwhile and quickly, a newcomer within a second right after, and that its
  // operator sees the refusals, if there have to be any. Where those take longer, on a busy
  // machine, the attack comes again, for kBusyMachineTime.
  void Withstands(int attackers, const Attack& attack, const std::vector<Refusals>& refusals = {});

  // Answers of Passfort to POSTs for the attackers' profile wait until `passfort.Release()`.
  void HoldCallsOfAttackers();

 private:
  static void RunAttack(int attackers, const Attack& attack, std::chrono::seconds time);
  double CountOf(const Refusals& refused) const;
  bool HaveAll(const std::vector<Refusals>& refusals) const;
  void ExpectANewcomerIsServed(const GatewayProcess& unattacked) const;
};

inline constexpr char kAttackersProfile[] = "deadbeef-0000-4000-8000-000000000001";
// Of the 512 MiB that its pod has.
inline constexpr size_t kMaxResidentBytes = size_t{256} * 1024 * 1024;
inline constexpr std::chrono::seconds kAttackTime{5};
// Added where a machine that is busy otherwise has not got to the point.
inline constexpr std::chrono::seconds kBusyMachineTime{20};

// What an attacker asks for.
pb::AddProductApplicationRequest AttackersRequest();

}  // namespace gateway

#endif  // TESTS_ATTACK_ATTACK_FIXTURE_H_
