#ifndef SERVICE_RPC_CALLS_CALL_LINE_H_
#define SERVICE_RPC_CALLS_CALL_LINE_H_

#include <chrono>
#include <string_view>

#include "service/base/call_context.h"
#include "service/base/trace_context.h"
#include "service/observability/log.h"
#include "service/rpc/access/admitted_caller.h"
#include "service/rpc/call_error.h"

namespace gateway {

// Each call ends with one line of this message, however it ends and wherever that is decided.
inline constexpr std::string_view kCallLine = "call";

// Who calls, as the log has it. The principal says more than the name, where there is one.
inline std::string_view CallerInLog(const CallerIdentity& caller) {
  return caller.principal.empty() ? caller.name : caller.principal;
}

// What it takes to write one. Both outlive it.
struct CallLog {
  TraceIds& trace_ids;  // for the calls that name no trace
  Log& log;
};

// The line of a call that failed.
struct FailedCall {
  std::string_view method;
  const CallError& error;
  std::chrono::nanoseconds took;
  std::string_view trace_id;
  const AdmittedCaller& caller;
};
void LogFailedCall(const FailedCall& call, Log& log);

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_CALL_LINE_H_
