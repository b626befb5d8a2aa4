#ifndef SERVICE_AUTHORIZATION_AUTHZ_CHECK_H_
#define SERVICE_AUTHORIZATION_AUTHZ_CHECK_H_

#include <ostream>
#include <span>
#include <string_view>

namespace gateway {

inline constexpr int kAuthzAllowed = 0;
inline constexpr int kAuthzDenied = 1;
inline constexpr int kAuthzError = 2;

// What `passfort-gateway authz check FILE --principal P --method M` does, with `arguments` from
// FILE on: says on `out` whether a policy lets P call M, and by which rule. Returns the exit code,
// one of the above. `methods` are as for AuthorizationPolicy.
int AuthzCheck(std::span<const std::string_view> arguments,
               std::span<const std::string_view> methods, std::ostream& out, std::ostream& err);

}  // namespace gateway

#endif  // SERVICE_AUTHORIZATION_AUTHZ_CHECK_H_
