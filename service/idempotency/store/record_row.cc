#include "service/idempotency/store/record_row.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "service/base/netstring_list.h"
#include "service/idempotency/store/record_store.h"

namespace gateway {
namespace {

// With room to spare for what an operation makes of a valid request. Ids and keys are indexed, and
// PostgreSQL indexes less than 2.7 kB.
constexpr size_t kMaxIdBytes = 512;
static_assert(kMaxResourceIdBytes <= kMaxIdBytes);
constexpr size_t kMaxCallerBytes = 8 * 1024;
constexpr size_t kMaxFingerprintBytes = 1024;
constexpr size_t kMaxTargetBytes = 4 * 1024;
// Less than the longest list that is read, so that a longer one is told as what it is.
constexpr size_t kMaxListBytes = 2 * 1024 * 1024;

absl::Status CheckSize(std::string_view column, size_t size, size_t most) {
  if (size <= most) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("store a record: ", absl::string_view(column.data(), column.size()), " has ",
                   size, " bytes, above the limit of ", most));
}

// Reads the values of a row one after another, and remembers whether one had another type.
class RowReader {
 public:
  explicit RowReader(const SqlRow& row) : row_(row) {}

  bool IsValid() const { return is_sound_; }

  int64_t Number() { return Required(Next<int64_t>()); }
  std::string Text() { return Required(Next<std::string>()); }
  std::string Bytes() { return Required(Next<SqlBytes>()).bytes; }
  absl::Time Time() { return absl::FromUnixMicros(Number()); }

  std::optional<int64_t> NumberOrNull() { return Next<int64_t>(); }
  std::optional<std::string> BytesOrNull() {
    std::optional<SqlBytes> value = Next<SqlBytes>();
    if (!value.has_value()) return std::nullopt;
    return std::move(value->bytes);
  }
  std::optional<absl::Time> TimeOrNull() {
    const std::optional<int64_t> micros = Next<int64_t>();
    if (!micros.has_value()) return std::nullopt;
    return absl::FromUnixMicros(*micros);
  }
  std::optional<std::string> TextOrNull() { return Next<std::string>(); }
  std::vector<std::string> List(const std::string& encoded) {
    std::optional<std::vector<std::string>> list = DecodeNetstrings(encoded);
    return Required(std::move(list));
  }

 private:
  template <typename T>
  std::optional<T> Next() {
    if (next_ == row_.size()) {
      is_sound_ = false;
      return std::nullopt;
    }
    const SqlValue& value = row_[next_++];
    if (const T* const typed = std::get_if<T>(&value)) return *typed;
    if (!std::holds_alternative<SqlNull>(value)) is_sound_ = false;
    return std::nullopt;
  }

  template <typename T>
  T Required(std::optional<T> value) {
    if (!value.has_value()) is_sound_ = false;
    return std::move(value).value_or(T());
  }

  const SqlRow& row_;
  size_t next_ = 0;
  bool is_sound_ = true;
};

SqlValue TimeOrNull(const std::optional<absl::Time>& time) {
  if (!time.has_value()) return SqlNull();
  return absl::ToUnixMicros(*time);
}

}  // namespace

std::string RecordSql(std::string_view text) {
  const auto number = [](auto value) { return absl::StrCat(static_cast<int>(value)); };
  return absl::StrReplaceAll(
      absl::string_view(text.data(), text.size()),
      {{"{columns}", absl::string_view(kRecordColumns.data(), kRecordColumns.size())},
       {"{table}", "passfort_gateway_records"},
       {"{budgets}", "passfort_gateway_budgets"},
       {"{day}", absl::StrCat(kMicrosOfDay)},
       {"{claimed}", number(RecordState::kClaimed)},
       {"{sent}", number(RecordState::kSent)},
       {"{no_effect}", number(RecordState::kNoEffect)},
       {"{inconclusive}", number(RecordState::kInconclusive)},
       {"{done}", number(RecordState::kDone)},
       {"{reconciled}", number(ResultOrigin::kReconciled)},
       {"{unknown_factor}", number(kUnknownForGoodFactor)}});
}

absl::StatusOr<Record> ParseRecordRow(const SqlRow& row) {
  RowReader reader(row);
  Record record;
  record.request_id = reader.Text();
  record.epoch = reader.Number();
  const int64_t state = reader.Number();
  record.state = static_cast<RecordState>(state);
  record.caller = reader.Bytes();
  record.fingerprint = reader.Bytes();
  record.operation = reader.Text();
  record.serialization_key = reader.Text();
  record.target = reader.Bytes();
  record.lease_until = reader.Time();
  std::optional<std::string> baseline = reader.BytesOrNull();
  const std::optional<absl::Time> baseline_at = reader.TimeOrNull();
  if (baseline) {
    record.baseline =
        Baseline{.state = *std::move(baseline), .read_at = baseline_at.value_or(absl::UnixEpoch())};
  }
  record.conclusive_at = reader.TimeOrNull();
  record.sent_at = reader.TimeOrNull();
  record.was_ambiguous = reader.Number() != 0;
  record.candidate_ids = reader.List(reader.Bytes());
  record.result = {.resource_id = reader.BytesOrNull().value_or(""),
                   .contents = reader.BytesOrNull().value_or("")};
  const int64_t origin =
      reader.NumberOrNull().value_or(static_cast<int64_t>(ResultOrigin::kReceived));
  record.result_origin = static_cast<ResultOrigin>(origin);
  std::optional<std::string> account = reader.TextOrNull();
  const std::optional<int64_t> day = reader.NumberOrNull();
  if (account && day) record.charge = BudgetCharge{.account = *std::move(account), .day = *day};
  record.principal = reader.Bytes();
  std::optional<std::string> settled_by = reader.BytesOrNull();
  const std::optional<absl::Time> settled_at = reader.TimeOrNull();
  if (settled_by && settled_at) {
    record.settled = SettledBy{.name = *std::move(settled_by), .at = *settled_at};
  }
  record.expires_at = reader.Time();
  record.store_now = reader.Time();
  const bool known_values = state >= 1 && state <= 5 && (origin == 1 || origin == 2);
  if (!reader.IsValid() || !known_values) {
    return absl::InternalError("read a record: a column holds what no gateway writes");
  }
  return record;
}

std::vector<SqlValue> RecordParameters(const Record& record) {
  const bool is_done = record.state == RecordState::kDone;
  const auto if_done = [is_done](SqlValue value) { return is_done ? std::move(value) : SqlNull(); };
  const std::optional<Baseline>& baseline = record.baseline;
  return {
      record.request_id,
      record.epoch,
      static_cast<int64_t>(record.state),
      SqlBytes{record.caller},
      SqlBytes{record.fingerprint},
      record.operation,
      record.serialization_key,
      SqlBytes{record.target},
      absl::ToUnixMicros(record.lease_until),
      baseline ? SqlValue(SqlBytes{baseline->state}) : SqlValue(SqlNull()),
      baseline ? SqlValue(absl::ToUnixMicros(baseline->read_at)) : SqlValue(SqlNull()),
      TimeOrNull(record.conclusive_at),
      TimeOrNull(record.sent_at),
      static_cast<int64_t>(record.was_ambiguous),
      SqlBytes{EncodeNetstrings(record.candidate_ids)},
      record.result.resource_id.empty() ? SqlValue(SqlNull())
                                        : if_done(SqlBytes{record.result.resource_id}),
      if_done(SqlBytes{record.result.contents}),
      if_done(static_cast<int64_t>(record.result_origin)),
      record.charge ? SqlValue(record.charge->account) : SqlValue(SqlNull()),
      record.charge ? SqlValue(record.charge->day) : SqlValue(SqlNull()),
      SqlBytes{record.principal},
      record.settled ? SqlValue(SqlBytes{record.settled->name}) : SqlValue(SqlNull()),
      record.settled ? SqlValue(absl::ToUnixMicros(record.settled->at)) : SqlValue(SqlNull()),
      absl::ToUnixMicros(record.expires_at),
  };
}

std::vector<SqlValue> ExpectedVersion(const Record& expected) {
  return {expected.request_id, expected.epoch, static_cast<int64_t>(expected.state)};
}

absl::Status CheckRecordSize(const Record& record) {
  struct SizeLimit {
    std::string_view column;
    size_t size;
    size_t most;
  };
  const SizeLimit bounds[] = {
      {"request_id", record.request_id.size(), kMaxIdBytes},
      {"caller", record.caller.size(), kMaxCallerBytes},
      {"principal", record.principal.size(), kMaxCallerBytes},
      {"fingerprint", record.fingerprint.size(), kMaxFingerprintBytes},
      {"operation", record.operation.size(), kMaxIdBytes},
      {"serialization_key", record.serialization_key.size(), kMaxIdBytes},
      {"target", record.target.size(), kMaxTargetBytes},
      {"settled_by", record.settled ? record.settled->name.size() : 0, kMaxCallerBytes},
  };
  for (const SizeLimit& bound : bounds) {
    if (auto status = CheckSize(bound.column, bound.size, bound.most); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckBaselineSize(const Baseline& baseline) {
  return CheckSize("baseline", baseline.state.size(), kMaxListBytes);
}

absl::Status CheckCandidateSize(const std::vector<std::string>& candidate_ids) {
  return CheckSize("candidate_ids", EncodeNetstrings(candidate_ids).size(), kMaxListBytes);
}

absl::Status CheckResultSize(const StoredResult& result) {
  const auto status = CheckSize("resource_id", result.resource_id.size(), kMaxResourceIdBytes);
  if (!status.ok()) return status;
  return CheckSize("result", result.contents.size(), kMaxStoredResultBytes);
}

}  // namespace gateway
