#ifndef SERVICE_SQL_POSTGRES_VALUES_H_
#define SERVICE_SQL_POSTGRES_VALUES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/sql/sql_executor.h"

struct pg_result;

namespace gateway {

// The parameters of a statement in the form that libpq takes. The values must outlive it.
class PostgresParameters {
 public:
  explicit PostgresParameters(const std::vector<SqlValue>& values);

  int count() const { return static_cast<int>(texts_.size()); }
  const unsigned* types() const { return types_.data(); }
  const char* const* texts() const { return texts_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  std::vector<std::string> numbers_;
  std::vector<unsigned> types_;
  std::vector<const char*> texts_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

// The rows of a result in binary form: bigint, text and bytea.
absl::StatusOr<SqlRows> PostgresRows(const pg_result* result);

// OK for a result that is no error. See SqlExecutor::Run; holds the SQLSTATE and what it
// means, and none of the server's words, which may quote anything.
absl::Status PostgresResultStatus(const pg_result* result);

// For an operator. Empty if it is none of those that one can do something about.
std::string_view MeaningOfSqlState(std::string_view state);
// What an SqlExecutor says where the server says `state`.
absl::StatusCode CodeOfSqlState(std::string_view state);

}  // namespace gateway

#endif  // SERVICE_SQL_POSTGRES_VALUES_H_
