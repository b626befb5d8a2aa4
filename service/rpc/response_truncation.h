#ifndef SERVICE_RPC_RESPONSE_TRUNCATION_H_
#define SERVICE_RPC_RESPONSE_TRUNCATION_H_

#include <cstddef>

#include "passfort/gateway/v1/product_application_service.pb.h"
#include "passfort/gateway/v1/profile_service.pb.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

// gRPC clients refuse messages over 4 MiB by themselves, with a code that would read as "not done".
inline constexpr size_t kMaxReplyBytes = 7 * 512 * 1024;

enum class ReplyTruncation { kNone, kTruncated };

// If `response` takes more than `max_bytes` on the wire, these leave out `unmapped` and
// `assignments`; if that is not enough, the other lists too, and at last the product. Of a profile
// `collected_data` goes with the products. A list keeps all its applications, whatever that takes:
// a shorter one would say that some are not there.
ReplyTruncation TruncateToFit(pb::AddProductApplicationResponse& response, size_t max_bytes);
ReplyTruncation TruncateToFit(pb::GetProductApplicationResponse& response, size_t max_bytes);
ReplyTruncation TruncateToFit(pb::ListProductApplicationsResponse& response, size_t max_bytes);
ReplyTruncation TruncateToFit(pb::GetProfileResponse& response, size_t max_bytes);
ReplyTruncation TruncateToFit(pb::CreateProfileResponse& response, size_t max_bytes);

}  // namespace gateway

#endif  // SERVICE_RPC_RESPONSE_TRUNCATION_H_
