#include "service/rpc/requested_products.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

RequestedProduct ToRequestedProduct(std::string field, const pb::ProductReference& product) {
  return {.field = std::move(field), .alias = product.alias(), .id = product.id()};
}

}  // namespace

std::vector<RequestedProduct> RequestedProducts(const pb::AddProductApplicationRequest& request) {
  return {ToRequestedProduct("product", request.product())};
}

std::vector<RequestedProduct> RequestedProducts(const pb::CreateProfileRequest& request) {
  std::vector<RequestedProduct> products;
  products.reserve(request.product_applications().size());
  for (int i = 0; i < request.product_applications_size(); ++i) {
    products.push_back(ToRequestedProduct(absl::StrCat("product_applications[", i, "].product"),
                                          request.product_applications(i).product()));
  }
  return products;
}

}  // namespace gateway
