#ifndef SERVICE_PASSFORT_MAPPING_APPLICATION_TRUNCATION_H_
#define SERVICE_PASSFORT_MAPPING_APPLICATION_TRUNCATION_H_

#include <cstddef>

#include "passfort/gateway/v1/product_application.pb.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

// What is left out where there is no room for it, in this order.
enum class TruncationStep {
  kUnmapped,  // `unmapped` and `assignments`
  kLists,     // the other lists
  kProduct,
};
void LeaveOut(TruncationStep step, pb::ProductApplication& application);

enum class Truncation { kNotNeeded, kTruncated };

// If `application` takes more than `max_bytes` as a message, leaves out `unmapped` and
// `assignments`; if that is not enough, the other lists too, and at last the product.
Truncation TruncateToFit(pb::ProductApplication& application, size_t max_bytes);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_APPLICATION_TRUNCATION_H_
