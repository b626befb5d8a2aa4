#ifndef SERVICE_RPC_ACCESS_ACCESS_ERRORS_H_
#define SERVICE_RPC_ACCESS_ACCESS_ERRORS_H_

#include <string>
#include <string_view>

#include "service/base/call_context.h"
#include "service/rpc/call_error.h"

namespace gateway {

// `why` goes to the log alone.
CallError CallerCertificateExpiredError(std::string_view why);
// The rule that decided, and the version of the policy that it stands in, go to the log alone: they
// tell an operator what to change, and a caller what to look for.
CallError CallerNotAllowedError(std::string_view path, const CallerIdentity& caller,
                                std::string rule, std::string policy);

// What the callers file refuses. It has nothing for this caller, nor for callers in general:
CallError CallerWithoutEntryError(std::string_view path, const CallerIdentity& caller);
// The product that the request names in `field` is none of the caller's.
CallError ProductNotAllowedError(std::string_view path, const CallerIdentity& caller,
                                 const std::string& field, std::string_view request_id);
CallError CallerOverloadedError(std::string_view request_id);
// The next call has room after `retry_after`.
CallError CallerRateReachedError(Milliseconds retry_after);

}  // namespace gateway

#endif  // SERVICE_RPC_ACCESS_ACCESS_ERRORS_H_
