#ifndef SERVICE_OBSERVABILITY_LAST_WORDS_H_
#define SERVICE_OBSERVABILITY_LAST_WORDS_H_

#include <initializer_list>
#include <string_view>

#include "service/observability/log.h"

namespace gateway {

// For where there is no log: before it is made, and in a process that is dying. What reads standard
// error, reads JSON lines there as on standard output.

// Writes a line of level `error`, in the form of the log's lines, to standard error at once.
void WriteLastWords(std::string_view message, std::initializer_list<LogField> fields = {});

// From now on an exception that nobody catches, and an assertion that fails in a library or here,
// end the process with such a line instead of libc's plain text. What an exception says is not
// shown: it may hold anything.
void ReportAborts();

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_LAST_WORDS_H_
