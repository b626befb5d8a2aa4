#include "service/sql/sql_executor.h"

#include <utility>

namespace gateway {

Task<absl::StatusOr<SqlRows>> SqlExecutor::Run(std::string statement,
                                               std::vector<SqlValue> parameters,
                                               Deadline deadline) {
  std::vector<SqlStatement> statements(1);
  statements.front() = {.text = std::move(statement), .parameters = std::move(parameters)};
  auto results = co_await RunAll(std::move(statements), deadline);
  if (!results.ok()) co_return results.status();
  co_return std::move(results->front());
}

}  // namespace gateway
