#ifndef TESTS_CHAOS_HISTORY_PRODUCTS_H_
#define TESTS_CHAOS_HISTORY_PRODUCTS_H_

#include <string>
#include <vector>

#include "service/passfort/product_application_client.h"

namespace gateway::history {

// What can be applied for. Both names of a product mean the same.
struct Product {
  std::string alias;
  std::string id;
};

const std::vector<Product>& Products();

// Makes `draft` ask for `product`, by its alias.
void NameProduct(ApplicationDraft& draft, const Product& product);

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_PRODUCTS_H_
