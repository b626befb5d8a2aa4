// Soaks the gateway: callers of every kind call three replicas for as long as they are told to,
// while Passfort misbehaves and goes away, the database restarts, and one replica is stopped and
// killed again and again. Then everything mends, and whatever is open has to come to its end.
//
//   soak [--minutes N] [--seed S]
//
// 20 minutes by default; a fraction will do. One seed makes one order of things, but how they meet
// is up to the machine. The report goes to standard output as Markdown, progress to standard error.
// Ctrl-C ends the load early, and the rest goes on as usual; a second one ends everything at once.
//
// Exit codes: 0 clean; 1 something is wrong; 2 wrong usage.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/chaos/cluster.h"
#include "tests/soak/interruption.h"
#include "tests/soak/report.h"
#include "tests/soak/soak_load.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temporary_folder.h"

namespace gateway::soak {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Long enough for a busy machine to keep them, short enough to see many of them end.
constexpr milliseconds kLeaseDuration = 2s * kSlowness;
constexpr milliseconds kAttemptTimeout = 3s * kSlowness;
constexpr milliseconds kSettleWindow = 3s * kSlowness;
constexpr milliseconds kDefaultDeadline = 4s * kSlowness;
constexpr milliseconds kIdleConnection = 2s;
static_assert(kLatest * 4 <= kSettleWindow, "what Passfort makes later is not promised for");

// From when on nothing can be made any more for an intent that nobody asks for.
constexpr milliseconds kLongSettled =
    2 * (kLeaseDuration + kAttemptTimeout + kSettleWindow) + kLatest;
// When faults have ended, for whatever is open.
constexpr milliseconds kEndBound = 90s * kSlowness;
// When calls have ended, for connections and threads.
constexpr milliseconds kIdleBound = 60s;

constexpr milliseconds kTick = 1s;
constexpr milliseconds kProgress = 15s;
constexpr milliseconds kMinBetweenEpisodes = 4s;
constexpr milliseconds kMaxBetweenEpisodes = 10s;
constexpr milliseconds kOutage = 1500ms;

// The allocator's arenas grow in steps of some 2 MiB, at any outage that calls pile up in, and the
// cache of SQLite's pages takes 2 MiB. What leaks goes on growing: the longer the load, the less of
// a leak stays unnoticed.
constexpr GrowthTolerance kMemoryTolerance{.absolute = 6 * 1024, .share = 0.1};
// gRPC starts and ends threads of its own as it likes.
constexpr long kThreadTolerance = 2;

struct Arguments {
  double minutes = 20;
  uint32_t seed = 0;
};

std::optional<Arguments> ReadArguments(int count, char** values) {
  Arguments arguments{.seed = std::random_device{}() % 1'000'000};
  for (int i = 1; i < count; i += 2) {
    const std::string name = values[i];
    if ((name != "--minutes" && name != "--seed") || i + 1 == count) return std::nullopt;
    char* end = nullptr;
    const double number = std::strtod(values[i + 1], &end);
    if (end == values[i + 1] || *end != '\0' || !std::isfinite(number)) return std::nullopt;
    if (name == "--minutes" && number > 0 && number <= 100'000) {
      arguments.minutes = number;
    } else if (name == "--seed" && number >= 0 && number <= UINT32_MAX &&
               number == std::floor(number)) {
      arguments.seed = static_cast<uint32_t>(number);
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

std::string Flag(const char* name, milliseconds value) {
  return std::string("--") + name + "=" + std::to_string(value.count()) + "ms";
}

GatewayProcess::Settings SettingsWith(const std::string& api_url, const std::string& store) {
  return WithStore(
      api_url, store,
      {Flag("lease_duration", kLeaseDuration), Flag("attempt_timeout", kAttemptTimeout),
       Flag("settle_window", kSettleWindow), Flag("default_deadline", kDefaultDeadline),
       Flag("idle_connection_timeout", kIdleConnection), Flag("max_connection_age", 30s)});
}

// What was seen of one replica.
struct Watched {
  explicit Watched(std::unique_ptr<Replica> watched) : replica(std::move(watched)) {}

  void Look() {
    last = replica->Sample();
    peak.anonymous_kib = std::max(peak.anonymous_kib, last.anonymous_kib);
    peak.resident_kib = std::max(peak.resident_kib, last.resident_kib);
    peak.threads = std::max(peak.threads, last.threads);
    peak.descriptors = std::max(peak.descriptors, last.descriptors);
    replica->ReadLog();
  }
  bool IsIdleAgain() const {
    return last.descriptors <= idle_before.descriptors &&
           last.threads <= idle_before.threads + kThreadTolerance;
  }

  std::unique_ptr<Replica> replica;
  ProcessSample last;
  ProcessSample peak;
  ProcessSample idle_before;
  std::vector<double> anonymous_kib;  // under the load
  std::vector<double> resident_kib;
};

class Soak {
 public:
  explicit Soak(Arguments arguments)
      : arguments_(arguments),
        database_(postgres_.CreateDatabase()),
        random_(arguments.seed),
        replicas_(MakeReplicas()) {}

  int Run() {
    SeeIdleLevel();
    std::fprintf(stderr, "soak: seed %u, load for %.1f minutes\n", arguments_.seed,
                 arguments_.minutes);
    Load();
    JudgeGrowth();
    SeeThatAllIsIdleAgain();
    ledger_.Check(0ms);
    ledger_.CheckSum();
    for (Watched& it : replicas_) it.replica->Stop(SIGTERM);
    return Tell();
  }

 private:
  enum class Episode { kSigterm, kKill, kPassfortAway, kDatabaseRestart };

  std::vector<Watched> MakeReplicas() {
    const std::string shared = postgres_.Url(database_);
    const std::string own = "sqlite:" + folder_.File("records.db");
    std::vector<Watched> replicas;
    const auto add = [&](const char* name, const std::string& store) {
      replicas.emplace_back(
          std::make_unique<Replica>(name, SettingsWith(passfort_.url(), store), findings_));
    };
    add("PostgreSQL, stays up", shared);
    add("PostgreSQL, restarted", shared);
    add("SQLite, stays up", own);
    return replicas;
  }
  Replica& restarted() { return *replicas_[1].replica; }

  void LookAtAll() {
    for (Watched& it : replicas_) it.Look();
    ledger_.Check(kLongSettled);
  }

  // Some calls of each kind at once open the pools; what is left when nothing has happened for a
  // while is what an idle gateway holds.
  void SeeIdleLevel() {
    constexpr int kCallsOfEachKind = 32;
    ManyCalls calls;
    for (const Watched& it : replicas_) {
      const auto caller = it.replica->Look().caller;
      for (int i = 0; i < 2 * kCallsOfEachKind; ++i) {
        const gateway::Intent intent = FreshIntent();
        auto request = RequestOf(intent);
        if (i % 2 == 0) request.clear_request_id();
        const Ledger::Entry entry{.what = "a first call for " + intent.profile_id,
                                  .profile_id = intent.profile_id,
                                  .product_alias = request.product().alias()};
        ledger_.Open(entry);
        ledger_.Settle(entry, Ledger::Expected::kOne);
        calls.Start(*caller, request);
      }
    }
    calls.ForEach([this](const Answered& answered) {
      if (!answered.status.ok()) {
        findings_.Add("lost answer", "a first call ended as " + LabelOf({.answered = answered}));
      }
    });
    constexpr milliseconds kQuiet = 3 * kIdleConnection;
    interruption_.Wait(kQuiet);
    LookAtAll();
    for (Watched& it : replicas_) it.idle_before = it.last;
  }

  void Load() {
    SoakLoad load({.seed = arguments_.seed},
                  {.stores = {{replicas_[0].replica.get(), replicas_[1].replica.get()},
                              {replicas_[2].replica.get()}},
                   .passfort = passfort_,
                   .ledger = ledger_,
                   .findings = findings_,
                   .tally = tally_});
    const auto begin = Clock::now();
    wanted_ = std::chrono::round<std::chrono::seconds>(
        std::chrono::duration<double, std::ratio<60>>(arguments_.minutes));
    auto next_episode = begin + UntilNextEpisode();
    auto next_progress = begin + kProgress;
    while (Clock::now() < begin + wanted_ && !interruption_.came()) {
      interruption_.Wait(kTick);
      LookAtAll();
      for (Watched& it : replicas_) {
        it.anonymous_kib.push_back(static_cast<double>(it.last.anonymous_kib));
        it.resident_kib.push_back(static_cast<double>(it.last.resident_kib));
      }
      if (Clock::now() > next_progress) {
        TellProgress(Clock::now() - begin, load.open());
        next_progress = Clock::now() + kProgress;
      }
      if (Clock::now() > next_episode && !interruption_.came()) {
        Live(NextEpisode());
        next_episode = Clock::now() + UntilNextEpisode();
      }
    }
    lasted_ = std::chrono::round<std::chrono::seconds>(Clock::now() - begin);
    EndFaults(load);
  }

  milliseconds UntilNextEpisode() {
    return std::uniform_int_distribution<milliseconds::rep>(kMinBetweenEpisodes.count(),
                                                            kMaxBetweenEpisodes.count())(random_) *
           1ms;
  }

  // Every kind comes up again and again, in an order of its own each time.
  Episode NextEpisode() {
    if (episodes_.empty()) {
      episodes_ = {Episode::kSigterm, Episode::kSigterm,      Episode::kKill,
                   Episode::kKill,    Episode::kPassfortAway, Episode::kDatabaseRestart};
      std::ranges::shuffle(episodes_, random_);
    }
    const Episode next = episodes_.back();
    episodes_.pop_back();
    return next;
  }

  void Live(Episode episode) {
    switch (episode) {
      case Episode::kSigterm:
        tally_.Count(kEpisodes, "a replica stopped by SIGTERM and started again");
        return restarted().Restart(SIGTERM);
      case Episode::kKill:
        tally_.Count(kEpisodes, "a replica killed and started again");
        return restarted().Restart(SIGKILL);
      case Episode::kPassfortAway:
        tally_.Count(kEpisodes, "Passfort went away and came back");
        passfort_.GoAway();
        interruption_.Wait(kOutage);
        return passfort_.ComeBack();
      case Episode::kDatabaseRestart:
        tally_.Count(kEpisodes, "the database crashed and came back");
        postgres_.Stop();
        interruption_.Wait(kOutage);
        return postgres_.Start();
    }
  }

  // Nothing fails any more, and whatever is open comes to its end.
  void EndFaults(SoakLoad& load) {
    std::fprintf(stderr, "soak: faults have ended; %zu are open\n", load.open());
    passfort_.ClearFaults();
    load.BeginNoMore();
    load.WaitUntilEnded(kEndBound);
    // Also those whose callers never came back: the gateways find out by themselves.
    const std::string unresolved = "SELECT count(*) FROM passfort_gateway_records WHERE state = 2";
    std::string count;
    const auto bound = Clock::now() + kEndBound;
    while ((count = postgres_.Execute(database_, unresolved)) != "0" && Clock::now() < bound) {
      std::this_thread::sleep_for(kTick);
      LookAtAll();
    }
    if (count != "0")
      findings_.Add("open for ever",
                    count + " abandoned request_ids are unresolved in the database");
  }

  void JudgeGrowth() {
    for (const Watched& it : replicas_) {
      ReplicaReport& told = told_.emplace_back();
      if (it.replica->restarts() > 0 || kHasSanitizer) continue;
      told.anonymous_kib = soak::JudgeGrowth(it.anonymous_kib, kMemoryTolerance);
      told.resident_kib = soak::JudgeGrowth(it.resident_kib, kMemoryTolerance);
      told.course = Course(it.anonymous_kib);
      for (const auto& growth : {told.anonymous_kib, told.resident_kib}) {
        if (!growth || !growth->is_too_much) continue;
        findings_.Add("growth", it.replica->name() + ": memory grew from " +
                                    std::to_string(std::lround(growth->warm)) + " to " +
                                    std::to_string(std::lround(growth->end)) + " KiB");
      }
    }
  }

  void SeeThatAllIsIdleAgain() {
    const auto bound = Clock::now() + kIdleBound;
    do {
      std::this_thread::sleep_for(kTick);
      LookAtAll();
    } while (!std::ranges::all_of(replicas_, &Watched::IsIdleAgain) && Clock::now() < bound);
    for (const Watched& it : replicas_) {
      if (it.IsIdleAgain()) continue;
      findings_.Add("not idle again", it.replica->name() + " idle before: " + Told(it.idle_before) +
                                          "; idle after: " + Told(it.last));
    }
  }
  static std::string Told(const ProcessSample& sample) {
    return std::to_string(sample.descriptors) + " descriptors, " + std::to_string(sample.threads) +
           " threads";
  }

  void TellProgress(Clock::duration passed, size_t open) const {
    std::string memory;
    for (const Watched& it : replicas_) {
      memory += " " + std::to_string(it.last.anonymous_kib / 1024) + " MiB/" +
                std::to_string(it.last.descriptors) + " fds/" + std::to_string(it.last.threads) +
                " threads";
    }
    std::fprintf(stderr, "soak: %4lld s, %lld calls, %zu open, %zu wrong;%s\n",
                 static_cast<long long>(passed / 1s), static_cast<long long>(tally_.Sum(kCalls)),
                 open, findings_.count(), memory.c_str());
  }

  int Tell() {
    Report report{.seed = arguments_.seed,
                  .gateway = GatewayProgram(),
                  .wanted = wanted_,
                  .lasted = lasted_,
                  .memory_tolerance = kMemoryTolerance,
                  .was_interrupted = interruption_.came(),
                  .applications = ledger_.made()};
    for (size_t i = 0; i < replicas_.size(); ++i) {
      const Watched& it = replicas_[i];
      ReplicaReport& told = told_[i];
      told.name = it.replica->name();
      told.restarts = it.replica->restarts();
      told.calls = tally_.Of(kReplicas)[told.name];
      told.idle_before = it.idle_before;
      told.peak = it.peak;
      told.idle_after = it.last;
      told.complaints = it.replica->complaints();
    }
    report.replicas = told_;
    std::fputs(Written(report, tally_, findings_).c_str(), stdout);
    return findings_.count() == 0 ? 0 : 1;
  }

  const Arguments arguments_;
  Interruption interruption_;
  Findings findings_;
  Tally tally_;
  TemporaryFolder folder_;
  PostgresServer postgres_;
  const std::string database_;
  FakePassfort passfort_{5ms};
  Ledger ledger_{passfort_, findings_};
  std::mt19937 random_;
  std::vector<Episode> episodes_;
  std::vector<Watched> replicas_;
  std::chrono::seconds wanted_{0};
  std::chrono::seconds lasted_{0};
  std::vector<ReplicaReport> told_;
};

}  // namespace
}  // namespace gateway::soak

int main(int count, char** values) {
  const auto arguments = gateway::soak::ReadArguments(count, values);
  if (!arguments) {
    std::fprintf(stderr, "usage: soak [--minutes N] [--seed S]\n");
    return 2;
  }
  return gateway::soak::Soak(*arguments).Run();
}
