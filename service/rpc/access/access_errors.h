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

}  // namespace gateway

#endif  // SERVICE_RPC_ACCESS_ACCESS_ERRORS_H_
