#include "service/idempotency/write_report.h"

namespace gateway {
namespace {

using End = FinishedWrite::End;

std::string_view NameOf(End end) {
  switch (end) {
    case End::kDone:
      return "done";
    case End::kRefused:
      return "refused";
    case End::kNotExecuted:
      return "not_executed";
    case End::kNoEffect:
      return "no_effect";
    case End::kInconclusive:
      return "inconclusive";
  }
  return "inconclusive";
}

std::string_view NameOf(FinishedWrite::By by) {
  switch (by) {
    case FinishedWrite::By::kCall:
      return "call";
    case FinishedWrite::By::kBackground:
      return "background";
    case FinishedWrite::By::kOperator:
      return "operator";
  }
  return "call";
}

}  // namespace

WriteReport::WriteReport(Metrics& metrics, Log& log)
    : finished_(metrics.AddCounter("passfort_gateway_finished_writes_total",
                                   "Writes with a request_id that ended, by how and by whom.",
                                   {"operation", "end", "by"})),
      log_(log) {}

void WriteReport::OnFinished(const FinishedWrite& write) {
  finished_.Increment({write.record.operation, NameOf(write.end), NameOf(write.by)});
  // A caller is told.
  if (write.by != FinishedWrite::By::kBackground) return;
  if (write.end == End::kInconclusive) {
    log_.Error("write outcome unresolved: check the profile in the Passfort portal",
               {{"trace_id", write.trace_id}});
    return;
  }
  log_.Info("a write that was left unknown is settled", {{"operation", write.record.operation},
                                                         {"end", NameOf(write.end)},
                                                         {"trace_id", write.trace_id}});
}

}  // namespace gateway
