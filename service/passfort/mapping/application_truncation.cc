#include "service/passfort/mapping/application_truncation.h"

namespace gateway {

void LeaveOut(TruncationStep step, pb::ProductApplication& application) {
  switch (step) {
    case TruncationStep::kUnmapped:
      application.clear_unmapped();
      application.clear_assignments();
      return;
    case TruncationStep::kLists:
      application.clear_required_tasks();
      application.clear_approval_blockers();
      application.clear_history();
      application.clear_flag_history();
      return;
    case TruncationStep::kProduct:
      application.clear_product();
      return;
  }
}

Truncation TruncateToFit(pb::ProductApplication& application, size_t max_bytes) {
  if (application.ByteSizeLong() <= max_bytes) return Truncation::kNotNeeded;
  for (const auto step :
       {TruncationStep::kUnmapped, TruncationStep::kLists, TruncationStep::kProduct}) {
    LeaveOut(step, application);
    if (application.ByteSizeLong() <= max_bytes) break;
  }
  return Truncation::kTruncated;
}

}  // namespace gateway
