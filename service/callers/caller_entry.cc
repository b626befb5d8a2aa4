#include "service/callers/caller_entry.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace gateway {

bool CallerEntry::Allows(std::string_view product_alias, std::string_view product_id) const {
  if (!products.has_value()) return true;
  const auto is_listed = [this](std::string_view product) {
    return std::ranges::find(*products, product) != products->end();
  };
  if (product_alias.empty() && product_id.empty()) return false;
  return (product_alias.empty() || is_listed(product_alias)) &&
         (product_id.empty() || is_listed(absl::AsciiStrToLower(std::string(product_id))));
}

}  // namespace gateway
