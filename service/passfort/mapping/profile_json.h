#ifndef SERVICE_PASSFORT_MAPPING_PROFILE_JSON_H_
#define SERVICE_PASSFORT_MAPPING_PROFILE_JSON_H_

#include <string>

#include "passfort/gateway/v1/profile_service.pb.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

// The body of a request to create a profile. Equal requests have the same one, whatever the order
// of members in `collected_data`. Numbers without a fraction are printed without one. The request
// is valid (rpc/request_validation.h): text is UTF-8, numbers are finite, nesting is bounded.
std::string CreateProfileJson(const pb::CreateProfileRequest& request);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_PROFILE_JSON_H_
