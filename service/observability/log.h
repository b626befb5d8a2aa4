#ifndef SERVICE_OBSERVABILITY_LOG_H_
#define SERVICE_OBSERVABILITY_LOG_H_

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gateway {

class Metrics;

// A Log writes lines: a LogLevel, a message and LogFields. A LoggedProblem counts the lines of one
// warning or error, for the status page.

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

// One member of a log line. The views live until `Log` returns.
struct LogField {
  std::string_view name;
  std::variant<std::string_view, int64_t, double, bool> value;
};

// The lines of one warning or error, by its message.
struct LoggedProblem {
  LogLevel level = LogLevel::kWarn;
  std::string message;
  // Of the last of them, as "name: value; name: value".
  std::string fields;
  uint64_t count = 0;
  std::chrono::system_clock::time_point last;
};

// One JSON object a line: `time`, `level`, `message`, then the fields. What is not UTF-8 is
// replaced. Safe from any thread. A line is never waited for: it leaves within milliseconds, an
// error at once, and when the reader is slower than the gateway, the oldest waiting lines are
// dropped and a later line says how many. A reader that has gone away is no error and no SIGPIPE:
// the lines are lost.
//
// No line ever holds a key, a header, a body or anything about a person.
class Log {
 public:
  // Counts in `metrics`, which outlive the log, the lines that are dropped.
  static std::unique_ptr<Log> ToStandardOutput(LogLevel level, Metrics& metrics);
  // Writes to `descriptor`, which outlives the log and stays the caller's.
  static std::unique_ptr<Log> ToDescriptor(int descriptor, LogLevel level, Metrics& metrics);
  // Writes nothing; for tests.
  static std::unique_ptr<Log> Discard();

  // Waits until all lines are written, but no more than a second for a reader that takes none.
  virtual ~Log() = default;

  virtual bool IsOn(LogLevel level) const = 0;
  virtual void Write(LogLevel level, std::string_view message,
                     std::span<const LogField> fields) = 0;
  // The last distinct warnings and errors that were written, the latest first. Safe from any
  // thread.
  virtual std::vector<LoggedProblem> RecentProblems() const { return {}; }

  void Debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kDebug, message, fields);
  }
  void Info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kInfo, message, fields);
  }
  void Warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kWarn, message, fields);
  }
  void Error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kError, message, fields);
  }
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_LOG_H_
