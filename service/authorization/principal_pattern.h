#ifndef SERVICE_AUTHORIZATION_PRINCIPAL_PATTERN_H_
#define SERVICE_AUTHORIZATION_PRINCIPAL_PATTERN_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/authorization/text_pattern.h"

namespace gateway {

// Whether a certificate can give a caller this principal: a workload's SPIFFE id, or a host name in
// lower case. The same rules as those by which the gateway reads certificates. An error says what
// to write.
absl::Status CheckPrincipal(std::string_view principal);

// What a rule says about a principal. A pattern is about SPIFFE ids or about host names, never
// about both, except `*`:
//   "spiffe://example.org/ns/a*", which has the slash after the trust domain, and "*/sa/b", which
//   has a slash: SPIFFE ids;
//   "payments.*" and "*.example.org", without slashes: host names.
class PrincipalPattern {
 public:
  // An error says in words why `pattern` is none. One that can match no principal is an error: a
  // deny rule with it would deny nothing.
  static absl::StatusOr<PrincipalPattern> Parse(std::string_view pattern);

  bool Matches(std::string_view principal) const;

 private:
  PrincipalPattern(TextPattern pattern, bool is_for_hosts)
      : pattern_(std::move(pattern)), is_for_hosts_(is_for_hosts) {}

  TextPattern pattern_;
  bool is_for_hosts_;  // and for nothing else
};

}  // namespace gateway

#endif  // SERVICE_AUTHORIZATION_PRINCIPAL_PATTERN_H_
