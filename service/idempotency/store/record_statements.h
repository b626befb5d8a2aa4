#ifndef SERVICE_IDEMPOTENCY_STORE_RECORD_STATEMENTS_H_
#define SERVICE_IDEMPOTENCY_STORE_RECORD_STATEMENTS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "service/idempotency/store/record.h"

namespace gateway {

// The SQL of SqlRecordStore, for SQLite and PostgreSQL alike. The executor replaces {now}.

// A statement that changed nothing and the read that asks why can miss each other. Each round needs
// another session to get the record, or to end it, in between, so this many say that something is
// wrong. The deadline holds as well.
inline constexpr int kMaxRounds = 100;
absl::Status TooManyConflicts(const char* operation);

// INTERNAL, of a database that answers a statement with what it does not ask for.
absl::Status NotWhatWasAskedFor();

const std::string& InsertClaim();
const std::string& SelectRecord();
const std::string& SelectOpenRecord();
const std::string& SelectKeyHolder();
const std::string& UpdateRecord();
const std::string& UpdateExpiredRecord();
const std::string& DeleteRecord();
const std::string& UpsertResponse();
const std::string& UpdateReconciled();
const std::string& SelectContender();
const std::string& SelectAttributedIds();
const std::string& SelectSent();
// In one state, or both.
std::string SelectUnresolved(std::optional<RecordState> state);
const std::string& SettleAsExecuted();
const std::string& SettleAsNotExecuted();
const std::string& SelectOwner();
const std::string& ExpireSent();
const std::string& DeleteExpired();
const std::string& ChargeRecord();
const std::string& ChargeAccount();
const std::string& GiveBackCharge();
const std::string& SelectBudget();
const std::string& DeleteOldBudgets();
const std::string& CountAll();

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_RECORD_STATEMENTS_H_
