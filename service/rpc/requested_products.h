#ifndef SERVICE_RPC_REQUESTED_PRODUCTS_H_
#define SERVICE_RPC_REQUESTED_PRODUCTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "passfort/gateway/v1/product_application_service.pb.h"
#include "passfort/gateway/v1/profile_service.pb.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

// A product that a request asks for an application for. Does not outlive the request.
struct RequestedProduct {
  std::string field;  // path in the request, e.g. "product_applications[2].product"
  std::string_view alias;
  std::string_view id;  // in any case; empty, as the alias, if it is not given
};

std::vector<RequestedProduct> RequestedProducts(const pb::AddProductApplicationRequest& request);
std::vector<RequestedProduct> RequestedProducts(const pb::CreateProfileRequest& request);

}  // namespace gateway

#endif  // SERVICE_RPC_REQUESTED_PRODUCTS_H_
