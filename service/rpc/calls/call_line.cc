#include "service/rpc/calls/call_line.h"

#include <cstdint>
#include <vector>

#include "service/rpc/error_catalog.h"

namespace gateway {

void LogFailedCall(const FailedCall& call, Log& log) {
  const CallError& error = call.error;
  std::vector<LogField> fields = {{"method", call.method},
                                  {"code", GrpcCodeName(error.status.error_code())},
                                  {"outcome", error.outcome},
                                  {"reason", error.reason},
                                  {"phase", PhaseName(error.phase)}};
  if (error.http_status != 0) fields.push_back({"http_status", int64_t{error.http_status}});
  if (error.retry_end) fields.push_back({"retry_end", RetryEndName(*error.retry_end)});
  for (const auto& [name, value] : error.log_fields) fields.push_back({name, value});
  fields.push_back({"duration_seconds", std::chrono::duration<double>(call.took).count()});
  fields.push_back({"trace_id", call.trace_id});
  fields.push_back({"caller", CallerInLog(call.caller.identity)});
  if (call.caller.HasEntryOfItsOwn()) {
    fields.push_back({"caller_name", call.caller.identity.name});
  }
  log.Write(LogLevel::kInfo, kCallLine, fields);
}

}  // namespace gateway
