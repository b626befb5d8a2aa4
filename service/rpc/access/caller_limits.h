#ifndef SERVICE_RPC_ACCESS_CALLER_LIMITS_H_
#define SERVICE_RPC_ACCESS_CALLER_LIMITS_H_

#include <optional>
#include <string_view>
#include <vector>

#include "service/base/deadline.h"
#include "service/callers/caller_entry.h"
#include "service/rpc/access/admitted_caller.h"
#include "service/rpc/call_error.h"
#include "service/rpc/requested_products.h"

namespace gateway {

// What an entry of the callers file says about a call: an error if it refuses the call. Its places
// and its budget are others' business: they are held, and charged.

// Counts the call, unless it is refused.
std::optional<CallError> CheckRate(const CallerEntry& entry, SteadyTime now);
// Of a write. `request_id` is valid, or empty if there is none.
std::optional<CallError> CheckRequestIdGiven(const CallerEntry& entry, std::string_view request_id);
// `caller` has an entry.
std::optional<CallError> CheckProducts(const AdmittedCaller& caller, std::string_view path,
                                       const std::vector<RequestedProduct>& products,
                                       std::string_view request_id);

}  // namespace gateway

#endif  // SERVICE_RPC_ACCESS_CALLER_LIMITS_H_
