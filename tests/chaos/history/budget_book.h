#ifndef TESTS_CHAOS_HISTORY_BUDGET_BOOK_H_
#define TESTS_CHAOS_HISTORY_BUDGET_BOOK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "service/idempotency/store/record.h"
#include "service/sql/sqlite_connection.h"
#include "tests/chaos/history/budget_plan.h"
#include "tests/chaos/history/simulated_process.h"
#include "tests/chaos/history/virtual_world.h"

namespace gateway::history {

// Account and day.
using ChargeKey = std::pair<std::string, int64_t>;

// Looks into the store after every transaction, past any fault: what is used of a budget may only
// change together with the record that is charged, or by a write that has none.
class BudgetBook {
 public:
  // All outlive it. `database` is empty.
  BudgetBook(VirtualWorld& world, SqliteConnection& database, const BudgetPlan& plan)
      : world_(world), database_(database), plan_(plan) {}

  void OnTransaction(const std::vector<SqlStatement>& statements, absl::Time now,
                     const SimulatedProcess& by);

  // A time in which a record was charged.
  struct Held {
    std::string request_id;
    ChargeKey charge;
    SteadyTime from;
    SteadyTime to = SteadyTime::max();
  };
  const std::vector<Held>& held() const { return held_; }
  // That of the record then.
  const Held* ChargeAt(const std::string& request_id, SteadyTime at) const;

  struct DirectCharge {
    const SimulatedProcess* process = nullptr;
    ChargeKey charge;
    SteadyTime at;
  };
  const std::vector<DirectCharge>& direct_charges() const { return direct_charges_; }
  // How many of them were given back.
  int DirectlyGivenBack(const ChargeKey& charge) const;

  int64_t Used(const ChargeKey& charge) const;
  // The most that was used of it at any moment in between.
  int64_t MostUsed(const ChargeKey& charge, SteadyTime from, SteadyTime to) const;

  const std::vector<std::string>& findings() const { return findings_; }

 private:
  enum class Kind { kOfRecords, kSweep, kResponse, kDirectCharge, kDirectGiveBack };
  struct KeptRecord {
    RecordState state;
    bool was_ambiguous = false;
    std::string account;
    std::optional<ChargeKey> charge;
  };
  using Records = std::map<std::string, KeptRecord>;
  using Uses = std::map<ChargeKey, int64_t>;

  static Kind KindOf(const SqlStatement& first);
  Records ReadRecords();
  Uses ReadUses();
  // What of the budgets should have changed with the records.
  Uses CompareRecords(const Records& now, Kind kind, int64_t today);
  void OnCharged(const std::string& request_id, const ChargeKey& charge, int64_t today);
  void OnGone(const std::string& request_id, const ChargeKey& charge);
  bool IsBroughtBack(const std::string& request_id, const ChargeKey& charge);
  void JudgeState(const std::string& request_id, const KeptRecord& record);
  void CompareUses(const Uses& now, Uses expected);
  // What a write without a record changed.
  void NoteDirect(const Uses& now, Kind kind, const SqlStatement& statement, int64_t today,
                  const SimulatedProcess& by, Uses& expected);
  void Report(std::string finding) { findings_.push_back("(m) " + std::move(finding)); }

  VirtualWorld& world_;
  SqliteConnection& database_;
  const BudgetPlan& plan_;
  Records records_;
  Uses uses_;
  struct Use {
    SteadyTime at;
    ChargeKey charge;
    int64_t used;
  };
  std::vector<Use> history_;
  std::vector<Held> held_;
  // Of records that expired while they were charged.
  std::multiset<std::pair<std::string, ChargeKey>> expired_;
  std::vector<DirectCharge> direct_charges_;
  std::map<ChargeKey, int> directly_given_back_;
  std::vector<std::string> findings_;
};

// "caller:one on day 14288".
std::string NameOf(const ChargeKey& charge);

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_BUDGET_BOOK_H_
