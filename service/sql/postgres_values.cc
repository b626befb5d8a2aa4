#include "service/sql/postgres_values.h"

#include <libpq-fe.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

// From PostgreSQL's catalogue of types (pg_type.dat); they never change.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;
// The server works a NULL's type out by itself.
constexpr Oid kUnspecified = 0;

constexpr int kTextFormat = 0;
constexpr int kBinaryFormat = 1;

int64_t BigEndian(const char* bytes) {
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = (number << 8) | static_cast<unsigned char>(bytes[i]);
  return static_cast<int64_t>(number);
}

// What an operator can do something about. The server's own words may repeat a value, and a
// password if the server is not the one that it should be: none of them goes further.
struct KnownState {
  std::string_view state;
  std::string_view meaning;
};
constexpr KnownState kKnownStates[] = {
    {"0A000", "the server is a standby, or of another kind"},
    {"22021", "the database's encoding is not UTF8"},
    {"22P05", "the database's encoding is not UTF8"},
    {"25006", "the server is read-only"},
    {"28000", "the server does not let this user in"},
    {"28P01", "wrong user or password"},
    {"3D000", "no such database"},
    {"3F000", "no such schema"},
    {"42501", "the user has no right to do this"},
    {"42703", "a table is not the gateway's, or of another version: no such column"},
    {"42P01", "no such table"},
    {"53100", "the disk is full"},
    {"53200", "out of memory"},
    {"53300", "too many connections"},
    {"55P03", "another session holds the lock"},
    {"57014", "the statement took too long"},
    {"57P01", "the server is shutting down"},
    {"57P03", "the server is starting up or shutting down"},
};

bool IsSqlState(std::string_view text) {
  return text.size() == 5 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

absl::Status StatusOfSqlState(std::string_view state) {
  std::string message = "PostgreSQL refused";
  if (IsSqlState(state)) message.append(": SQLSTATE ").append(state);
  if (const std::string_view meaning = MeaningOfSqlState(state); !meaning.empty()) {
    message.append(", ").append(meaning);
  }
  return {CodeOfSqlState(state), message};
}

}  // namespace

absl::StatusCode CodeOfSqlState(std::string_view state) {
  const std::string_view error_class = state.substr(0, 2);
  // unique_violation, and what two gateways that make the tables at once see of each other:
  // duplicate_table, duplicate_object, duplicate_column
  if (state == "23505" || state == "42P07" || state == "42710" || state == "42701") {
    return absl::StatusCode::kAlreadyExists;
  }
  // query_canceled and lock_not_available: the timeouts that we set
  if (state == "57014" || state == "55P03") return absl::StatusCode::kDeadlineExceeded;
  // What was asked for, or who asks: wrong data or constraint, not let in, no such database or
  // schema, no such table or no right to it. It stays so until somebody changes something.
  constexpr std::string_view kLasting[] = {"22", "23", "28", "3D", "3F", "42"};
  if (std::ranges::find(kLasting, error_class) != std::end(kLasting)) {
    return absl::StatusCode::kInternal;
  }
  // Connection lost, rolled back for the sake of others, out of resources, shutting down, and 0A000
  // and 25006: the server has become a standby, so that another connection may be better.
  return absl::StatusCode::kUnavailable;
}

std::string_view MeaningOfSqlState(std::string_view state) {
  const auto* const known = std::ranges::find(kKnownStates, state, &KnownState::state);
  return known == std::end(kKnownStates) ? std::string_view() : known->meaning;
}

PostgresParameters::PostgresParameters(const std::vector<SqlValue>& values) {
  numbers_.reserve(values.size());  // texts_ points into it
  for (const SqlValue& value : values) {
    Oid type = kUnspecified;
    const char* text = nullptr;
    size_t length = 0;
    if (const auto* const number = std::get_if<int64_t>(&value)) {
      type = kInt8;
      text = numbers_.emplace_back(absl::StrCat(*number)).c_str();
    } else if (const auto* const string = std::get_if<std::string>(&value)) {
      type = kText;
      text = string->c_str();
    } else if (const auto* const blob = std::get_if<SqlBytes>(&value)) {
      type = kBytea;
      text = blob->bytes.data();
      length = blob->bytes.size();
    }
    types_.push_back(type);
    texts_.push_back(text);
    lengths_.push_back(static_cast<int>(length));
    formats_.push_back(type == kBytea ? kBinaryFormat : kTextFormat);
  }
}

absl::StatusOr<SqlRows> PostgresRows(const pg_result* result) {
  SqlRows rows(static_cast<size_t>(PQntuples(result)));
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int column = 0; column < PQnfields(result); ++column) {
      SqlValue& value = rows[static_cast<size_t>(row)].emplace_back(SqlNull());
      if (PQgetisnull(result, row, column)) continue;
      const char* const bytes = PQgetvalue(result, row, column);
      const auto length = static_cast<size_t>(PQgetlength(result, row, column));
      switch (PQftype(result, column)) {
        case kInt8:
          value = BigEndian(bytes);
          break;
        case kText:
          value = std::string(bytes, length);
          break;
        case kBytea:
          value = SqlBytes{std::string(bytes, length)};
          break;
        default:
          return absl::InternalError(
              absl::StrCat("PostgreSQL: a column has the type ", PQftype(result, column)));
      }
    }
  }
  return rows;
}

absl::Status PostgresResultStatus(const pg_result* result) {
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return absl::OkStatus();
  const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  // libpq's own errors have no SQLSTATE: the connection broke.
  if (state == nullptr) return absl::UnavailableError("PostgreSQL: the connection was lost");
  return StatusOfSqlState(state);
}

}  // namespace gateway
