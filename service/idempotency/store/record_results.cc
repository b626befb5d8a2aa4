#include "service/idempotency/store/record_results.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "service/base/netstring_list.h"
#include "service/idempotency/store/record_row.h"
#include "service/idempotency/store/record_statements.h"

namespace gateway {
namespace {

bool IsVersion(const std::optional<Record>& now, const Record& expected) {
  return now.has_value() && now->epoch == expected.epoch && now->state == expected.state;
}

// The parameters of either settling statement.
std::vector<SqlValue> SettlementParameters(const Record& expected,
                                           const RecordStore::Settlement& settlement,
                                           int64_t window) {
  std::vector<SqlValue> parameters = ExpectedVersion(expected);
  parameters.emplace_back(SqlBytes{EncodeNetstrings({})});
  if (settlement.result) {
    parameters.emplace_back(SqlBytes{settlement.result->resource_id});
    parameters.emplace_back(SqlBytes{settlement.result->contents});
  } else {
    parameters.emplace_back(SqlBytes{settlement.baseline});
  }
  parameters.emplace_back(SqlBytes{settlement.settled_by});
  parameters.emplace_back(window);
  return parameters;
}

}  // namespace

RecordResults::RecordResults(SqlExecutor& executor, RecordTable& records, Options options)
    : executor_(executor),
      records_(records),
      replay_window_(std::chrono::microseconds(options.replay_window).count()),
      settle_window_(std::chrono::microseconds(options.settle_window).count()) {}

Task<absl::StatusOr<bool>> RecordResults::StoreResponse(Record expected, StoredResult result,
                                                        Deadline deadline) {
  // Attributed to nobody, it is a candidate of whoever sees it.
  if (result.resource_id.size() > kMaxResourceIdBytes) result.resource_id.clear();
  if (auto status = CheckResultSize(result); !status.ok()) co_return status;
  if (auto status = CheckRecordSize(expected); !status.ok()) co_return status;
  expected.epoch += 1;
  expected.state = RecordState::kDone;
  expected.candidate_ids.clear();
  expected.result = std::move(result);
  expected.result_origin = ResultOrigin::kReceived;
  expected.settled.reset();
  // A duration: the statement adds it to its own clock.
  expected.expires_at = absl::FromUnixMicros(replay_window_);
  const auto rows = co_await executor_.Run(UpsertResponse(), RecordParameters(expected), deadline);
  if (!rows.ok()) co_return rows.status();
  co_return !rows->empty();
}

Task<absl::StatusOr<RecordStore::FoundResult>> RecordResults::StoreReconciled(Record expected,
                                                                              StoredResult result,
                                                                              Deadline deadline) {
  if (auto status = CheckResultSize(result); !status.ok()) co_return status;
  std::vector<SqlValue> parameters = ExpectedVersion(expected);
  parameters.emplace_back(SqlBytes{EncodeNetstrings({})});
  parameters.emplace_back(SqlBytes{result.resource_id});
  parameters.emplace_back(SqlBytes{std::move(result.contents)});
  parameters.emplace_back(replay_window_);
  parameters.emplace_back(settle_window_);
  const absl::Time baseline_at = expected.baseline ? expected.baseline->read_at : absl::UnixEpoch();
  for (int round = 0; round < kMaxRounds; ++round) {
    auto found = co_await records_.RunForOne(UpdateReconciled(), parameters, deadline);
    // Another record found the same resource: one of the key at the same moment, or one of another
    // key at any time.
    const bool is_found_already = absl::IsAlreadyExists(found.status());
    if (!is_found_already && !found.ok()) co_return found.status();
    if (!is_found_already && found->has_value()) co_return **std::move(found);

    auto now = co_await records_.Find(expected.request_id, deadline);
    if (!now.ok()) co_return now.status();
    if (!IsVersion(*now, expected)) co_return RecordStore::VersionConflict{};
    auto holder =
        co_await records_.FindOpen(expected.serialization_key, expected.request_id, deadline);
    if (!holder.ok()) co_return holder.status();
    if (holder->has_value()) co_return RecordStore::KeyHeld{**std::move(holder)};
    auto held =
        co_await records_.AttributedIds(expected.serialization_key, expected.request_id, deadline);
    if (!held.ok()) co_return held.status();
    if (std::find(held->begin(), held->end(), result.resource_id) != held->end())
      co_return RecordStore::VersionConflict{};
    std::vector<SqlValue> contest = {expected.serialization_key, expected.request_id,
                                     absl::ToUnixMicros(baseline_at), settle_window_};
    auto contender = co_await records_.RunForOne(SelectContender(), std::move(contest), deadline);
    if (!contender.ok()) co_return contender.status();
    if (contender->has_value() || is_found_already) co_return RecordStore::Contested{};
  }
  co_return TooManyConflicts("store a reconciled result");
}

Task<absl::StatusOr<RecordStore::SettleResult>> RecordResults::Settle(
    Record expected, RecordStore::Settlement settlement, Deadline deadline) {
  if (settlement.result) {
    if (auto status = CheckResultSize(*settlement.result); !status.ok()) co_return status;
  }
  if (auto status = CheckBaselineSize({.state = settlement.baseline}); !status.ok()) {
    co_return status;
  }
  const std::vector<SqlValue> parameters =
      SettlementParameters(expected, settlement, replay_window_);
  for (int round = 0; round < kMaxRounds; ++round) {
    auto settled = co_await records_.RunForOne(
        settlement.result ? SettleAsExecuted() : SettleAsNotExecuted(), parameters, deadline);
    // A record of another key found the resource.
    if (absl::IsAlreadyExists(settled.status())) co_return RecordStore::Attributed{};
    if (!settled.ok()) co_return settled.status();
    if (settled->has_value()) co_return **std::move(settled);

    auto now = co_await records_.Find(expected.request_id, deadline);
    if (!now.ok()) co_return now.status();
    if (!IsVersion(*now, expected)) co_return RecordStore::VersionConflict{};
    if (!settlement.result) continue;
    auto holder =
        co_await records_.FindOpen(expected.serialization_key, expected.request_id, deadline);
    if (!holder.ok()) co_return holder.status();
    if (holder->has_value()) co_return RecordStore::KeyHeld{**std::move(holder)};
    std::vector<SqlValue> owner = {SqlBytes{settlement.result->resource_id}, expected.request_id,
                                   expected.serialization_key};
    const auto attributed = co_await executor_.Run(SelectOwner(), std::move(owner), deadline);
    if (!attributed.ok()) co_return attributed.status();
    if (!attributed->empty()) co_return RecordStore::Attributed{};
  }
  co_return TooManyConflicts("settle a record");
}

}  // namespace gateway
