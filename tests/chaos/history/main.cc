// Checks the promise of at most once against random histories: the product's own session,
// settlement, background reconciler and SQL, in a simulated world of callers, gateway processes, a
// store and a Passfort that fail in every way that is known. One seed makes one history.
//
//   history_checker [--histories N] [--seed S] [--budgets] [--trace] [--keep-going]
//
// Runs the histories of the seeds S, S + 1, ... (1 and 2000 by default); with --budgets, of those
// only in which callers have budgets. The first history that breaks a promise is told with its
// events and the command that repeats it. --trace tells every history; --keep-going names all that
// break a promise, without their events. Exit codes: 0 all kept; 1 a promise was broken; 2 wrong
// usage.
#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "tests/chaos/history/history.h"
#include "tests/chaos/history/simulated_store.h"

namespace gateway::history {
namespace {

struct Arguments {
  uint64_t histories = 2000;
  uint64_t seed = 1;
  enum class About { kAnything, kBudgets } about = About::kAnything;
  VirtualWorld::Trace trace = VirtualWorld::Trace::kNo;
  enum class AtFailure { kStop, kGoOn } at_failure = AtFailure::kStop;
};

std::optional<Arguments> ReadArguments(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string name = values[i];
    if (name == "--trace") {
      arguments.trace = VirtualWorld::Trace::kYes;
      continue;
    }
    if (name == "--budgets") {
      arguments.about = Arguments::About::kBudgets;
      continue;
    }
    if (name == "--keep-going") {
      arguments.at_failure = Arguments::AtFailure::kGoOn;
      continue;
    }
    if ((name != "--histories" && name != "--seed") || ++i == count) return std::nullopt;
    char* end = nullptr;
    const uint64_t number = std::strtoull(values[i], &end, 10);
    if (end == values[i] || *end != '\0') return std::nullopt;
    (name == "--seed" ? arguments.seed : arguments.histories) = number;
  }
  return arguments;
}

uint64_t NextSeed(uint64_t seed, Arguments::About about) {
  do {
    ++seed;
  } while (about == Arguments::About::kBudgets && !HasBudgets(seed));
  return seed;
}

void Tell(uint64_t seed, const HistoryReport& report) {
  std::printf("history %llu:\n", static_cast<unsigned long long>(seed));
  for (const std::string& line : report.trace) std::printf("  %s\n", line.c_str());
  for (const std::string& finding : report.findings) std::printf("  BROKEN: %s\n", finding.c_str());
}

int Run(const Arguments& arguments) {
  const auto database = SimulatedStore::OpenDatabase();
  const auto start = std::chrono::steady_clock::now();
  std::map<std::string, int> counts;
  int64_t posts = 0;
  int64_t applications = 0;
  int64_t profiles = 0;
  uint64_t broken = 0;
  uint64_t seed = arguments.seed - 1;
  for (uint64_t i = 0; i < arguments.histories; ++i) {
    seed = NextSeed(seed, arguments.about);
    HistoryReport report = RunHistory(seed, *database, arguments.trace);
    if (!report.findings.empty() && arguments.at_failure == Arguments::AtFailure::kGoOn) {
      ++broken;
      Tell(seed, report);
      continue;
    }
    if (!report.findings.empty()) {
      // The same once more, this time with what happens.
      Tell(seed, RunHistory(seed, *database, VirtualWorld::Trace::kYes));
      std::printf(
          "\nA promise was broken, in history %llu of this run. Repeat it by:\n"
          "  ./dev chaos --histories 1 --seed %llu\n",
          static_cast<unsigned long long>(i + 1), static_cast<unsigned long long>(seed));
      return 1;
    }
    if (arguments.trace == VirtualWorld::Trace::kYes) Tell(seed, report);
    for (const auto& [what, count] : report.counts) counts[what] += count;
    posts += report.posts;
    applications += report.applications;
    profiles += report.profiles;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%llu of %llu histories broke a promise, in %.1f s; seeds from %llu\n",
              static_cast<unsigned long long>(broken),
              static_cast<unsigned long long>(arguments.histories), took.count(),
              static_cast<unsigned long long>(arguments.seed));
  std::printf("  %8lld POSTs\n  %8lld applications, strangers' included\n  %8lld profiles\n",
              static_cast<long long>(posts), static_cast<long long>(applications),
              static_cast<long long>(profiles));
  for (const auto& [what, count] : counts) std::printf("  %8d %s\n", count, what.c_str());
  return broken == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gateway::history

int main(int count, char** values) {
  // SQLite takes and frees some 90 kB for each statement with RETURNING; to give that back to the
  // system and fault it in again would take half of the time.
  constexpr int kKeepAll = 64 * 1024 * 1024;
  mallopt(M_TRIM_THRESHOLD, kKeepAll);
  mallopt(M_MMAP_THRESHOLD, kKeepAll);
  const auto arguments = gateway::history::ReadArguments(count, values);
  if (!arguments) {
    std::fprintf(stderr,
                 "usage: history_checker [--histories N] [--seed S] [--budgets] [--trace] "
                 "[--keep-going]\n");
    return 2;
  }
  return gateway::history::Run(*arguments);
}
