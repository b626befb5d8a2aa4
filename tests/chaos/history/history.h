#ifndef TESTS_CHAOS_HISTORY_HISTORY_H_
#define TESTS_CHAOS_HISTORY_HISTORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "service/sql/sqlite_connection.h"
#include "tests/chaos/history/virtual_world.h"

namespace gateway::history {

struct HistoryReport {
  // Broken promises; empty is what it should be.
  std::vector<std::string> findings;
  // What happened, line by line; only with a trace.
  std::vector<std::string> trace;
  // How often callers were told what, and how often what happened.
  std::map<std::string, int> counts;
  int posts = 0;
  int applications = 0;
  int profiles = 0;
};

// One history from its beginning to its judgement: a time with faults of the kinds that this seed
// picks, a calm time in which all must come to rest by itself, and a retry of every request_id.
HistoryReport RunHistory(uint64_t seed, SqliteConnection& database, VirtualWorld::Trace trace);

// Whether callers have budgets in that history.
bool HasBudgets(uint64_t seed);

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_HISTORY_H_
