#ifndef TESTS_CHAOS_HISTORY_SIMULATED_STORE_H_
#define TESTS_CHAOS_HISTORY_SIMULATED_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "service/sql/sql_executor.h"
#include "service/sql/sqlite_connection.h"
#include "tests/chaos/history/budget_book.h"
#include "tests/chaos/history/simulated_process.h"
#include "tests/chaos/history/virtual_world.h"

namespace gateway::history {

// How the store behaves in one history. All are probabilities per statement.
struct StoreWeather {
  double lost_before = 0;  // never reaches the database, and an error comes back
  double lost_after = 0;   // is done, and an error comes back
  double slow = 0;         // takes longer than whoever asks waits, and may be done in the end
};

// The database that the replicas share: the product's own statements in a real SQLite in memory,
// behind a simulated network. It has a clock of its own.
class SimulatedStore {
 public:
  // Opens the database; used for one history after another.
  static std::unique_ptr<SqliteConnection> OpenDatabase();

  // Empties `database`, which outlives the store. `beginning`: its clock at the world's beginning.
  SimulatedStore(VirtualWorld& world, SqliteConnection& database, StoreWeather weather,
                 Milliseconds replay_window, absl::Time beginning);

  // Shows every transaction to `book`, which outlives the store.
  void ShowTo(BudgetBook& book) { book_ = &book; }

  // For all processes.
  Milliseconds replay_window() const { return replay_window_; }

  // The longest that a response takes to come back, as long as somebody waits for it.
  Milliseconds AnswerLag() const;

  // A connection of one process.
  std::unique_ptr<SqlExecutor> Connect(SimulatedProcess& life);

  // Away for a while: nothing reaches it, and no response comes.
  void GoAway(Milliseconds duration);
  // Whether a statement that may have been on its way then, or its result, was lost or slow.
  bool WasUnwell(SteadyTime from, SteadyTime to) const;
  // From now on every statement is done, soon.
  void BeCalm() {
    weather_ = StoreWeather();
    away_until_ = SteadyTime::min();
  }

  struct Row {
    std::string request_id;
    int64_t state = 0;
  };
  // All records, past any fault.
  std::vector<Row> Records();
  // Whether a record of the key, other than `request_id`, was found in a list while its attempt
  // may have gone on at `at`: `settle_window` before the moment from which on a list is proof.
  bool WasFoundEarly(const std::string& key, const std::string& request_id, SteadyTime at,
                     Milliseconds settle_window) const;

  // What the sweeps ended.
  struct Ended {
    std::string request_id;
    SteadyTime at;
    bool was_sent = false;  // it is inconclusive now; else it is deleted
  };
  const std::vector<Ended>& ended() const { return ended_; }
  // A request_id stands for a new intent once its record has expired. How often that had happened.
  int Generation(const std::string& request_id, SteadyTime at) const;
  bool ExpiredWhileSent(const std::string& request_id) const;

 private:
  class Connection;
  struct Ending {
    bool arrives = true;
    bool answers = true;
    Milliseconds there{1};
    Milliseconds back{1};
  };
  Ending FateOfNext();
  bool IsAway() const { return world_.now() < away_until_; }
  absl::Time Now() const;
  void NoteEnded(const std::vector<Row>& before);
  absl::StatusOr<std::vector<SqlRows>> Execute(const std::vector<SqlStatement>& statements,
                                               const SimulatedProcess& by);
  absl::StatusOr<std::vector<SqlRows>> ExecuteNow(const std::vector<SqlStatement>& statements);

  VirtualWorld& world_;
  SqliteConnection& database_;
  StoreWeather weather_;
  const Milliseconds replay_window_;
  const absl::Time beginning_;
  BudgetBook* book_ = nullptr;
  SteadyTime away_until_ = SteadyTime::min();
  std::vector<SteadyTime> unwell_at_;
  std::vector<Ended> ended_;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_SIMULATED_STORE_H_
