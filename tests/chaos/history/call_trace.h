#ifndef TESTS_CHAOS_HISTORY_CALL_TRACE_H_
#define TESTS_CHAOS_HISTORY_CALL_TRACE_H_

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "service/base/trace_context.h"

namespace gateway::history {

// A trace whose id is the number of a call: it travels down to the POST, as no other mark does.
inline TraceContext TraceOf(int call) {
  // A trace id is not zero.
  const std::string id = absl::StrCat(absl::Hex(call + 1, absl::kZeroPad16));
  return *TraceContext::Parse("00-0000000000000000" + id + "-0000000000000001-00", "");
}

inline int NumberIn(const TraceContext& trace) {
  return static_cast<int>(std::strtol(std::string(trace.trace_id()).c_str(), nullptr, 16)) - 1;
}

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_CALL_TRACE_H_
