#include "tests/chaos/history/simulated_store.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "service/idempotency/store/record_schema.h"
#include "service/idempotency/store/record_statements.h"
#include "service/sql/sqlite_file.h"

namespace gateway::history {
namespace {

constexpr Milliseconds kQuick{4};
// Above the store timeout of every replica.
constexpr Milliseconds kSlow{1500};

using Results = absl::StatusOr<std::vector<SqlRows>>;

absl::Status Away() { return absl::UnavailableError("the simulated store is unavailable"); }

[[noreturn]] void Fail(const absl::Status& status) {
  std::fprintf(stderr, "the checker's own database: %s\n", status.ToString().c_str());
  std::abort();
}

}  // namespace

// The connection of one process. Statements may overtake each other, as they do when a connection
// was given up and the old one's statement is still on its way.
class SimulatedStore::Connection final : public SqlExecutor {
 public:
  Connection(SimulatedStore& store, SimulatedProcess& life) : store_(store), life_(life) {}

  Task<Results> RunAll(std::vector<SqlStatement> statements, Deadline deadline) override {
    PassEach(statements);
    auto wait = life_.Begin<Results>(Away());
    if (life_.is_dead()) co_return co_await wait.value();

    const Ending fate = store_.FateOfNext();
    const auto answer = [life = &life_, state = wait.state()](Milliseconds back, Results results) {
      life->DeliverAfter(back, [state, results = std::move(results)]() mutable {
        state->arrival.Set(std::move(results));
      });
    };
    // What has left the process is done even if the process has died meanwhile.
    auto arrive = [store = &store_, fate, answer, statements, life = &life_] {
      if (store->IsAway()) store->unwell_at_.push_back(store->world_.now());
      if (!fate.arrives || store->IsAway()) return answer(fate.back, Away());
      Results results = store->Execute(statements, *life);
      answer(fate.back, fate.answers ? std::move(results) : Results(Away()));
    };
    store_.world_.After(fate.there, std::move(arrive));
    life_.DeliverAt(deadline.at(), [state = wait.state()] {
      state->arrival.Set(absl::DeadlineExceededError("the simulated store is slow"));
    });
    PassEach(statements);  // they have left, and nobody has seen its response
    co_return co_await wait.value();
  }

 private:
  void PassEach(const std::vector<SqlStatement>& statements) {
    for (const SqlStatement& statement : statements) life_.Pass(statement.text);
  }

  SimulatedStore& store_;
  SimulatedProcess& life_;
};

std::unique_ptr<SqliteConnection> SimulatedStore::OpenDatabase() {
  auto file = OpenSqliteFile(":memory:", RecordSchema());
  if (!file.ok()) Fail(file.status());
  return std::make_unique<SqliteConnection>(*std::move(file));
}

SimulatedStore::SimulatedStore(VirtualWorld& world, SqliteConnection& database,
                               StoreWeather weather, Milliseconds replay_window,
                               absl::Time beginning)
    : world_(world),
      database_(database),
      weather_(weather),
      replay_window_(replay_window),
      beginning_(beginning) {
  for (const char* sql :
       {"DELETE FROM passfort_gateway_records", "DELETE FROM passfort_gateway_budgets"}) {
    const auto emptied = database_.Execute(sql);
    if (!emptied.ok()) Fail(emptied);
  }
}

Milliseconds SimulatedStore::AnswerLag() const { return weather_.slow > 0 ? kSlow : kQuick; }

std::unique_ptr<SqlExecutor> SimulatedStore::Connect(SimulatedProcess& life) {
  return std::make_unique<Connection>(*this, life);
}

void SimulatedStore::GoAway(Milliseconds duration) {
  world_.Count("store: away for a while");
  world_.Note("the store is unavailable for ", duration.count(), " ms");
  away_until_ = world_.now() + duration;
}

SimulatedStore::Ending SimulatedStore::FateOfNext() {
  SeededRandom& chance = world_.chance();
  Ending fate{.there = chance.Between(Milliseconds(0), kQuick),
              .back = chance.Between(Milliseconds(0), kQuick)};
  fate.arrives = !chance.Happens(weather_.lost_before);
  fate.answers = !chance.Happens(weather_.lost_after);
  if (!fate.arrives) world_.Count("store: error, not done");
  if (fate.arrives && !fate.answers) world_.Count("store: error, done");
  if (chance.Happens(weather_.slow)) {
    world_.Count("store: slow");
    auto& slow_way = chance.Happens(0.5) ? fate.there : fate.back;
    slow_way = chance.Between(Milliseconds(100), kSlow);
  }
  const bool is_slow = fate.there > kQuick || fate.back > kQuick;
  if (!fate.arrives || !fate.answers || is_slow || IsAway()) unwell_at_.push_back(world_.now());
  return fate;
}

// Not any process's clock: nothing may compare the two.
absl::Time SimulatedStore::Now() const { return beginning_ + absl::FromChrono(world_.age()); }

Results SimulatedStore::Execute(const std::vector<SqlStatement>& statements,
                                const SimulatedProcess& by) {
  Results results = ExecuteNow(statements);
  const bool may_change = !absl::StartsWith(statements.front().text, "SELECT");
  if (book_ != nullptr && may_change) book_->OnTransaction(statements, Now(), by);
  return results;
}

Results SimulatedStore::ExecuteNow(const std::vector<SqlStatement>& statements) {
  const bool is_sweep =
      std::any_of(statements.begin(), statements.end(), [](const SqlStatement& each) {
        return each.text == ExpireSent() || each.text == DeleteExpired();
      });
  if (!is_sweep) return database_.RunAll(statements, Now());
  const std::vector<Row> before = Records();
  Results swept = database_.RunAll(statements, Now());
  NoteEnded(before);
  return swept;
}

void SimulatedStore::NoteEnded(const std::vector<Row>& before) {
  const std::vector<Row> after = Records();
  for (const Row& row : before) {
    const auto now = std::find_if(after.begin(), after.end(), [&row](const Row& other) {
      return other.request_id == row.request_id;
    });
    if (now != after.end() && now->state == row.state) continue;
    ended_.push_back(
        {.request_id = row.request_id, .at = world_.now(), .was_sent = now != after.end()});
    world_.Note("the record of ", row.request_id, " expires, in state ", row.state);
    world_.Count(now == after.end() ? "record: expired" : "record: expired while sent");
  }
}

bool SimulatedStore::WasUnwell(SteadyTime from, SteadyTime to) const {
  return std::any_of(unwell_at_.begin(), unwell_at_.end(),
                     [&](SteadyTime at) { return from - kSlow <= at && at <= to; });
}

int SimulatedStore::Generation(const std::string& request_id, SteadyTime at) const {
  return static_cast<int>(std::count_if(ended_.begin(), ended_.end(), [&](const auto& record) {
    return record.request_id == request_id && !record.was_sent && record.at <= at;
  }));
}

bool SimulatedStore::ExpiredWhileSent(const std::string& request_id) const {
  return std::any_of(ended_.begin(), ended_.end(), [&](const auto& record) {
    return record.request_id == request_id && record.was_sent;
  });
}

bool SimulatedStore::WasFoundEarly(const std::string& key, const std::string& request_id,
                                   SteadyTime at, Milliseconds settle_window) const {
  const absl::Time quiet_after = Now() - absl::FromChrono(world_.now() - at - settle_window);
  const auto rows = database_.Run(
      "SELECT request_id FROM passfort_gateway_records WHERE serialization_key = $1 "
      "AND request_id <> $2 AND result_origin = 2 AND conclusive_at > $3",
      {key, request_id, absl::ToUnixMicros(quiet_after)}, Now());
  if (!rows.ok()) Fail(rows.status());
  return !rows->empty();
}

std::vector<SimulatedStore::Row> SimulatedStore::Records() {
  const auto rows = database_.Run(
      "SELECT request_id, state FROM passfort_gateway_records ORDER BY request_id", {}, Now());
  if (!rows.ok()) Fail(rows.status());
  std::vector<Row> records;
  for (const SqlRow& row : *rows) {
    records.push_back(
        {.request_id = std::get<std::string>(row[0]), .state = std::get<int64_t>(row[1])});
  }
  return records;
}

}  // namespace gateway::history
