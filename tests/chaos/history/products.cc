#include "tests/chaos/history/products.h"

namespace gateway::history {

const std::vector<Product>& Products() {
  static const auto* const products = new std::vector<Product>{
      {.alias = "forexo_basic", .id = "b0ce7c17-2cab-46e7-9a83-ebee0d4d5dc8"},
      {.alias = "forexo_plus", .id = "c1df8d28-3dbc-47f8-8b94-fcff1e5e6ed9"},
  };
  return *products;
}

void NameProduct(ApplicationDraft& draft, const Product& product) {
  draft.product_alias = product.alias;
  draft.product_id.clear();
}

}  // namespace gateway::history
