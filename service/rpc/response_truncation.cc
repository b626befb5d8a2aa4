#include "service/rpc/response_truncation.h"

#include "service/passfort/mapping/application_truncation.h"

namespace gateway {

ReplyTruncation TruncateToFit(pb::AddProductApplicationResponse& response, size_t max_bytes) {
  const size_t bytes = response.ByteSizeLong();
  if (bytes <= max_bytes) return ReplyTruncation::kNone;
  pb::ProductApplication& application = *response.mutable_product_application();
  // The tag and the length around it, which get no longer.
  const size_t around = bytes - application.ByteSizeLong();
  TruncateToFit(application, max_bytes > around ? max_bytes - around : 0);
  return ReplyTruncation::kTruncated;
}

}  // namespace gateway
