#ifndef SERVICE_SQL_SQL_EXECUTOR_H_
#define SERVICE_SQL_SQL_EXECUTOR_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/deadline.h"
#include "service/base/task.h"

namespace gateway {

// A transaction is a list of SqlStatements with SqlValues as parameters. A SqlExecutor runs it on a
// database and returns the SqlRows of each statement.

struct SqlNull {
  friend bool operator==(const SqlNull&, const SqlNull&) = default;
};
// Any bytes, unlike a std::string, which is text in UTF-8 without NUL.
struct SqlBytes {
  std::string bytes;

  friend bool operator==(const SqlBytes&, const SqlBytes&) = default;
};

// A value that goes into or comes out of a statement. Times are microseconds of the Unix epoch.
using SqlValue = std::variant<SqlNull, int64_t, std::string, SqlBytes>;
using SqlRow = std::vector<SqlValue>;
using SqlRows = std::vector<SqlRow>;

// One statement of a transaction. Its text has the parameters $1, $2, ... and the word {now} where
// the time of the database's clock goes, which may be another moment in each statement.
struct SqlStatement {
  std::string text;
  std::vector<SqlValue> parameters = {};
  // Unless it gives a row, the whole transaction is rolled back.
  bool needs_row = false;
};

// A database that runs durable transactions, each given as a whole. Statements are written in what
// SQLite and PostgreSQL have in common, so each is written once. Loop thread only.
class SqlExecutor {
 public:
  virtual ~SqlExecutor() = default;

  // Runs `statements` one after another in one transaction and returns the rows of each; numbers
  // come back as int64_t only. Where one that needs a row gives none, nothing is changed, and the
  // results end with that statement's, which is empty.
  //
  // Nothing counts as made on an error, even where the database may have made it:
  //   ALREADY_EXISTS     a unique index stands against it; surely nothing was changed
  //   UNAVAILABLE        the database is away, or full
  //   DEADLINE_EXCEEDED  it was not done in time; not even begun if `deadline` passed before
  //   INTERNAL           the database refuses a statement, or is broken
  // The messages hold no parameter and no password.
  virtual Task<absl::StatusOr<std::vector<SqlRows>>> RunAll(std::vector<SqlStatement> statements,
                                                            Deadline deadline) = 0;

  // Runs a single statement in a transaction of its own. Errors as above.
  Task<absl::StatusOr<SqlRows>> Run(std::string statement, std::vector<SqlValue> parameters,
                                    Deadline deadline);

  // Hurries a database that would keep what was deleted in a file for longer than it has to. Errors
  // as above. PostgreSQL needs no hurrying: its server does it by itself.
  virtual Task<absl::Status> EraseDeleted(Deadline /*deadline*/) { co_return absl::OkStatus(); }
};

}  // namespace gateway

#endif  // SERVICE_SQL_SQL_EXECUTOR_H_
