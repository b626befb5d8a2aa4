#ifndef SERVICE_CALLERS_CALLER_ENTRY_H_
#define SERVICE_CALLERS_CALLER_ENTRY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/callers/caller_usage.h"

namespace gateway {

// What the callers file says about a caller. Never changes; a new version of the file makes a new
// one, with the same usage.
struct CallerEntry {
  // For log, metrics and records; unique. Of the file's `default`: kDefaultCaller.
  std::string name;
  // What applications may be for: aliases, and ids in lower case. Unset: any product.
  std::optional<std::vector<std::string>> products;
  size_t max_in_flight = 0;
  std::optional<int64_t> calls_per_minute;  // unset: any number
  std::optional<int64_t> writes_per_day;    // likewise
  bool needs_request_id = false;            // for writes
  std::shared_ptr<CallerUsage> usage;       // never null

  // Whether an application may be for a product that is given by its alias, its id or both: each
  // that is given has to be listed.
  bool Allows(std::string_view product_alias, std::string_view product_id) const;
};

// What all callers are called for whom the file has no entry.
inline constexpr std::string_view kDefaultCaller = "other";

}  // namespace gateway

#endif  // SERVICE_CALLERS_CALLER_ENTRY_H_
