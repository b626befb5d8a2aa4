#include "service/passfort/mapping/application_truncation.h"

namespace gateway {

Truncation TruncateToFit(pb::ProductApplication& application, size_t max_bytes) {
  if (application.ByteSizeLong() <= max_bytes) return Truncation::kNotNeeded;
  application.clear_unmapped();
  application.clear_assignments();
  if (application.ByteSizeLong() <= max_bytes) return Truncation::kTruncated;
  application.clear_required_tasks();
  application.clear_approval_blockers();
  application.clear_history();
  application.clear_flag_history();
  if (application.ByteSizeLong() <= max_bytes) return Truncation::kTruncated;
  application.clear_product();
  return Truncation::kTruncated;
}

}  // namespace gateway
