#include "service/observability/last_words.h"

#include <assert.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <typeinfo>

#include "service/observability/log_members.h"

namespace gateway {
namespace {

// RFC 3339 in UTC with milliseconds, as in the log.
std::string Now() {
  constexpr long kNanosecondsPerMillisecond = 1'000'000;
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts = {};
  gmtime_r(&now.tv_sec, &parts);
  char seconds[32];
  strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
  char text[48];
  std::snprintf(text, sizeof text, "%s.%03ldZ", seconds, now.tv_nsec / kNanosecondsPerMillisecond);
  return text;
}

[[noreturn]] void OnTerminate() {
  std::string_view what = "none";
  if (const std::exception_ptr exception = std::current_exception()) {
    what = "not a std::exception";
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& caught) {
      what = typeid(caught).name();
    } catch (...) {
    }
  }
  WriteLastWords("the process ends: an exception that nobody catches", {{"exception", what}});
  std::abort();
}

}  // namespace

void WriteLastWords(std::string_view message, std::initializer_list<LogField> fields) {
  std::string line = "{";
  const std::string now = Now();
  AppendLogMember({"time", now}, line);
  AppendLogMember({"level", "error"}, line);
  AppendLogMember({"message", message}, line);
  for (const LogField& field : fields) AppendLogMember(field, line);
  line += "}\n";
  // At once, so that no other line gets into this one.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

void ReportAborts() { std::set_terminate(&OnTerminate); }

}  // namespace gateway

// In place of libc's, for the libraries too: the dynamic linker takes the program's.
extern "C" void __assert_fail(const char* expression, const char* file, unsigned int line,
                              const char* /*function*/) noexcept {
  gateway::WriteLastWords("the process ends: an assertion failed",
                          {{"assertion", expression}, {"file", file}, {"line", int64_t{line}}});
  std::abort();
}
