#include "service/idempotency/store/record_sweeper.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "service/idempotency/store/record_statements.h"

namespace gateway {
namespace {

// Rows that one Sweep ends at most: no statement holds the database up for long.
constexpr int kSweepRows = 500;

}  // namespace

RecordSweeper::RecordSweeper(SqlExecutor& executor, Milliseconds replay_window)
    : executor_(executor), replay_window_(std::chrono::microseconds(replay_window).count()) {}

Task<absl::StatusOr<RecordStore::SweepResult>> RecordSweeper::Sweep(Deadline deadline) {
  RecordStore::SweepResult swept;
  std::vector<SqlValue> window_and_limit = {replay_window_, int64_t{kSweepRows}};
  auto inconclusive = co_await executor_.Run(ExpireSent(), std::move(window_and_limit), deadline);
  if (!inconclusive.ok()) co_return inconclusive.status();
  swept.inconclusive = static_cast<int>(inconclusive->size());

  std::vector<SqlValue> limit = {int64_t{kSweepRows}};
  auto expired = co_await executor_.Run(DeleteExpired(), std::move(limit), deadline);
  if (!expired.ok()) co_return expired.status();
  swept.expired = static_cast<int>(expired->size());
  swept.has_more = std::max(swept.inconclusive, swept.expired) == kSweepRows;
  if (swept.expired > 0) must_erase_ = true;
  // What fails is tried again with the next sweep.
  if (must_erase_ && !swept.has_more) {
    must_erase_ = !(co_await executor_.EraseDeleted(deadline)).ok();
  }

  const auto forgotten = co_await executor_.Run(DeleteOldBudgets(), {}, deadline);
  if (!forgotten.ok()) co_return forgotten.status();

  const auto counts = co_await Count(deadline);
  if (!counts.ok()) co_return counts.status();
  swept.records = counts->records;
  swept.open = counts->open;
  co_return swept;
}

Task<absl::StatusOr<RecordCounts>> RecordSweeper::Count(Deadline deadline) {
  auto rows = co_await executor_.Run(CountAll(), {}, deadline);
  if (!rows.ok()) co_return rows.status();
  int64_t counts[4];
  if (rows->size() != 1 || rows->front().size() != std::size(counts)) {
    co_return NotWhatWasAskedFor();
  }
  for (size_t i = 0; i < std::size(counts); ++i) {
    const auto* const count = std::get_if<int64_t>(&rows->front()[i]);
    if (count == nullptr) co_return NotWhatWasAskedFor();
    counts[i] = *count;
  }
  co_return RecordCounts{
      .records = counts[0],
      .open = {.in_flight = counts[1], .unresolved = counts[2], .inconclusive = counts[3]}};
}

}  // namespace gateway
