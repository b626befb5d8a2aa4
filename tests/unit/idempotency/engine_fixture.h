#ifndef TESTS_UNIT_IDEMPOTENCY_ENGINE_FIXTURE_H_
#define TESTS_UNIT_IDEMPOTENCY_ENGINE_FIXTURE_H_

// The at-most-once engine with nothing of Passfort: an operation made for tests, the product's own
// store on a real SQLite in memory, and time that the test moves on.

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "service/base/netstring_list.h"
#include "service/idempotency/operation.h"
#include "service/idempotency/reconciler.h"
#include "service/idempotency/store/record_schema.h"
#include "service/idempotency/store/record_statements.h"
#include "service/idempotency/store/sql_record_store.h"
#include "service/idempotency/write_session.h"
#include "service/sql/sqlite_connection.h"
#include "service/sql/sqlite_file.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/run_to_completion.h"
#include "tests/fakes/scripted_random.h"
#include "tests/unit/idempotency/listing_observer.h"

namespace gateway {

// Appends lines to a list that anybody may read: "TARGET/1" is what a write with TARGET may append.
class AppendOperation final : public Operation {
 public:
  std::vector<std::string> lines;
  bool is_complete = true;
  bool observable = true;
  // Instead of an observation, for as long as it is set.
  std::optional<std::variant<NotExecuted, Refused>> failure;
  // Called before each observation.
  std::function<void()> on_observe = [] {};
  int observations = 0;
  Priority priority = Priority::kNormal;  // of the last one

  std::string_view name() const override { return "Append"; }
  bool is_observable() const override { return observable; }

  Task<ObserveResult> Observe(std::string, const CallContext& context) override {
    ++observations;
    priority = context.priority;
    on_observe();
    if (failure) {
      co_return std::visit([](const auto& failed) -> ObserveResult { return failed; }, *failure);
    }
    co_return std::make_unique<Lines>(lines, is_complete);
  }

  Effect Evaluate(const std::string& target, const std::string& baseline, const Observation& now,
                  const std::vector<std::string>& attributed_ids) const override {
    const auto& seen = dynamic_cast<const Lines&>(now);
    Effect effect{.is_complete = seen.is_complete};
    for (const std::string& line : seen.lines) {
      const bool is_new = !IsInBaseline(baseline, line) && !Contains(attributed_ids, line);
      if (is_new && absl::StartsWith(line, target + "/")) effect.candidate_ids.push_back(line);
    }
    if (effect.candidate_ids.size() == 1 && seen.is_complete) {
      effect.result = ResultOf(effect.candidate_ids.front());
    }
    return effect;
  }

  bool IsInBaseline(const std::string& baseline, const std::string& line) const override {
    return Contains(DecodeNetstrings(baseline).value_or(std::vector<std::string>()), line);
  }

  std::string ExtendBaseline(const std::string& baseline, const Observation& now,
                             const std::vector<std::string>& resource_ids) const override {
    auto lines = DecodeNetstrings(baseline).value_or(std::vector<std::string>());
    const auto& seen = dynamic_cast<const Lines&>(now).lines;
    lines.insert(lines.end(), seen.begin(), seen.end());
    lines.insert(lines.end(), resource_ids.begin(), resource_ids.end());
    return EncodeNetstrings(lines);
  }
  Task<ObserveResult> ObserveResource(std::string target, std::string,
                                      const CallContext& context) override {
    return Observe(std::move(target), context);
  }
  std::optional<StoredResult> ResultOf(const Observation& now,
                                       const std::string& line) const override {
    if (!Contains(dynamic_cast<const Lines&>(now).lines, line)) return std::nullopt;
    return ResultOf(line)->stored;
  }

  bool MayMeanAlreadyExecuted(const ResponseSummary& refusal) const override {
    return refusal.http_status == 409;
  }

  static SharedResult ResultOf(const std::string& line) {
    return std::make_shared<OperationResult>(
        OperationResult{.stored = {.resource_id = line, .contents = "contents of " + line}});
  }

 private:
  struct Lines final : Observation {
    Lines(std::vector<std::string> lines, bool is_complete)
        : lines(std::move(lines)), is_complete(is_complete) {}
    std::string ToBaseline() const override { return EncodeNetstrings(lines); }

    std::vector<std::string> lines;
    bool is_complete;
  };

  static bool Contains(const std::vector<std::string>& lines, const std::string& line) {
    return std::ranges::find(lines, line) != lines.end();
  }
};

// What one POST would come to; nothing: it stays in flight until its context is stopped.
using ScriptedOutcome = std::optional<Outcome<SharedResult>>;

class AppendRequest final : public WriteRequest {
 public:
  explicit AppendRequest(AppendOperation& operation, std::string target = "note")
      : operation_(operation), target_(std::move(target)) {}

  // One for each attempt; a further attempt fails the test.
  mutable std::deque<ScriptedOutcome> outcomes;
  // Called in the moment in which a body would leave.
  std::function<void(BootTime send_before)> on_execute = [](BootTime) {};
  mutable int executions = 0;

  Operation& operation() const override { return operation_; }
  std::string fingerprint() const override { return "Append/" + target_; }
  std::string serialization_key() const override { return "list"; }
  std::string target() const override { return target_; }

  Task<Outcome<SharedResult>> Execute(BootTime send_before,
                                      const CallContext& context) const override {
    ++executions;
    on_execute(send_before);
    if (outcomes.empty()) {
      ADD_FAILURE() << "sent once more";
      co_return NotExecuted{.cause = NotExecuted::Cause::kStopped};
    }
    ScriptedOutcome outcome = std::move(outcomes.front());
    outcomes.pop_front();
    if (outcome) co_return *std::move(outcome);
    OneShot<bool> stopped;
    const std::stop_callback on_stop(context.stop, [&stopped] { stopped.Set(true); });
    co_await stopped;
    co_return Ambiguous{.cause = Ambiguous::Cause::kStopped};
  }

 private:
  AppendOperation& operation_;
  const std::string target_;
};

// The product's statements on SQLite, on the test's thread and by its clock.
class ImmediateExecutor final : public SqlExecutor {
 public:
  enum class Failure { kNone, kBefore, kAfter, kRefused };

  ImmediateExecutor(SqliteConnection& database, Clock& clock)
      : database_(database), clock_(clock) {}

  // Asked about each statement: whether it fails, and whether it is done all the same; with it the
  // others of its transaction.
  std::function<Failure(const std::string& statement)> fails = [](const std::string&) {
    return Failure::kNone;
  };

  // While it is, statements wait for `Release`.
  bool held = false;
  void ReleaseOne() {
    OneShot<bool>* const first = waiting_.front();
    waiting_.erase(waiting_.begin());
    first->Set(true);
  }
  void Release() {
    held = false;
    for (OneShot<bool>* const waiting : std::exchange(waiting_, {})) waiting->Set(true);
  }

  Task<absl::StatusOr<std::vector<SqlRows>>> RunAll(std::vector<SqlStatement> statements,
                                                    Deadline) override {
    if (held) {
      OneShot<bool> released;
      waiting_.push_back(&released);
      co_await released;
    }
    Failure failure = Failure::kNone;
    for (const SqlStatement& statement : statements) {
      if (failure == Failure::kNone) failure = fails(statement.text);
    }
    if (failure == Failure::kBefore) co_return absl::UnavailableError("away");
    if (failure == Failure::kRefused) co_return absl::InternalError("no right to do this");
    auto results = database_.RunAll(statements, clock_.WallNow());
    if (failure == Failure::kAfter) co_return absl::UnavailableError("away");
    co_return results;
  }

 private:
  SqliteConnection& database_;
  Clock& clock_;
  std::vector<OneShot<bool>*> waiting_;
};

// The messages alone.
class LoggedLines final : public Log {
 public:
  std::vector<std::string> lines;

  bool IsOn(LogLevel) const override { return true; }
  void Write(LogLevel, std::string_view message, std::span<const LogField>) override {
    lines.emplace_back(message);
  }
};

class EngineTest : public testing::Test {
 protected:
  static constexpr AtMostOnceOptions kOptions{};
  static constexpr char kId[] = "order-1";

  // What a process shares; two of them over one store are two replicas.
  SessionDependencies Dependencies() { return DependenciesWith(reconciler_); }
  SessionDependencies DependenciesWith(Reconciler& reconciler) {
    return {.store = store_,
            .reconciler = reconciler,
            .key_mutex = key_mutex_,
            .clock = clock_,
            .random = random_,
            .trace_ids = trace_ids_,
            .budget = budget_,
            .log = *log_,
            .observer = observer_,
            .unsettled_traces = unsettled_traces_,
            .fail_point = {}};
  }

  std::optional<Record> Find(const std::string& request_id = kId) {
    return *RunToCompletion(store_.Find(request_id, Deadline(SteadyTime::max())));
  }

  RecordStore::Claim AClaim(const std::string& request_id) {
    return {.request_id = request_id,
            .fingerprint = "Append/note",
            .operation = "Append",
            .serialization_key = "list",
            .target = "note",
            .lease = kOptions.lease_duration};
  }
  // A record that another process claimed.
  Record ClaimedElsewhere(const std::string& request_id = "order-2") {
    auto claimed =
        *RunToCompletion(store_.TryClaim(AClaim(request_id), Deadline(SteadyTime::max())));
    return std::get<RecordStore::Claimed>(std::move(claimed)).record;
  }
  // One that another process sent, with nothing there before.
  Record SentElsewhere(const std::string& request_id = "order-2") {
    return UpdatedElsewhere(ClaimedElsewhere(request_id),
                            {.state = RecordState::kSent,
                             .lease = kOptions.lease_duration,
                             .conclusive_after = kOptions.lease_duration +
                                                 kOptions.attempt_timeout + kOptions.settle_window,
                             .first_baseline = Baseline{.read_at = clock_.WallNow()}});
  }
  // One whose attempt another process proved to be without effect.
  Record WithoutEffectElsewhere(const std::string& request_id) {
    return UpdatedElsewhere(SentElsewhere(request_id), {.state = RecordState::kNoEffect,
                                                        .conclusive_after = Milliseconds(0),
                                                        .was_ambiguous = true});
  }
  Record UpdatedElsewhere(const Record& record, const RecordStore::RecordUpdate& update) {
    auto updated = *RunToCompletion(store_.Update(record, update, Deadline(SteadyTime::max())));
    return std::get<Record>(std::move(updated));
  }

  ManualClock clock_;
  std::unique_ptr<SqliteConnection> database_ =
      std::make_unique<SqliteConnection>(*OpenSqliteFile(":memory:", RecordSchema()));
  ImmediateExecutor* executor_ = new ImmediateExecutor(*database_, clock_);  // the store's
  ScriptedRandom random_{{0.5}};
  SqlRecordStore store_{std::unique_ptr<SqlExecutor>(executor_),
                        random_,
                        {.replay_window = std::chrono::hours(24),
                         .max_records = 100,
                         .settle_window = kOptions.settle_window}};
  AppendOperation operation_;
  ListingObserver observer_;
  Reconciler reconciler_{{}, store_, {&operation_}, clock_, observer_};
  KeyedMutex key_mutex_;
  ScriptedRandom trace_random_{{0.5}};
  TraceIds trace_ids_{trace_random_};
  UnsettledTraces unsettled_traces_;
  RetryBudget budget_{{}};
  const std::unique_ptr<LoggedLines> log_ = std::make_unique<LoggedLines>();
};

}  // namespace gateway

#endif  // TESTS_UNIT_IDEMPOTENCY_ENGINE_FIXTURE_H_
