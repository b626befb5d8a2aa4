#include "service/rpc/answer_shortening.h"

namespace gateway {

Shortening ShortenToFit(pb::AddProductApplicationResponse& answer, size_t max_bytes) {
  if (answer.ByteSizeLong() <= max_bytes) return Shortening::kNotNeeded;
  pb::ProductApplication& application = *answer.mutable_product_application();
  application.clear_unmapped();
  application.clear_assignments();
  if (answer.ByteSizeLong() <= max_bytes) return Shortening::kShortened;
  application.clear_required_tasks();
  application.clear_approval_blockers();
  application.clear_history();
  application.clear_flag_history();
  if (answer.ByteSizeLong() <= max_bytes) return Shortening::kShortened;
  application.clear_product();
  return Shortening::kShortened;
}

}  // namespace gateway
