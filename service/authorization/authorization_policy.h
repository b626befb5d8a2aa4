#ifndef SERVICE_AUTHORIZATION_AUTHORIZATION_POLICY_H_
#define SERVICE_AUTHORIZATION_AUTHORIZATION_POLICY_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "service/authorization/principal_pattern.h"
#include "service/authorization/text_pattern.h"

namespace gateway {

struct AuthorizationDecision {
  bool allowed = false;
  // Which rule decided. Empty: none matched, so the call is denied. Lives as long as the policy.
  std::string_view rule;

  friend bool operator==(const AuthorizationDecision&, const AuthorizationDecision&) = default;
};

// Who may call what: a strict subset of gRPC's authorization policy (gRFC A43).
//
//   {"name": "production",
//    "deny_rules": [RULE, ...],     optional
//    "allow_rules": [RULE, ...]}
//   RULE: {"name": "onboarding",
//          "source": {"principals": ["spiffe://example.org/onboarding"]},             optional
//          "request": {"paths": ["/passfort.gateway.v1.ProfileService/GetProfile"]}}  optional
//
// A rule matches a call if one of its principals and one of its paths match; without `source` it
// matches every principal, without `request` every path. A call is denied if a deny rule matches,
// else allowed if an allow rule matches, else denied. A call without a principal is always denied.
//
// A rule that means something else than its author thinks gives away money, so what gRPC lets pass
// is an error here: see Parse().
class AuthorizationPolicy {
 public:
  static constexpr size_t kMaxBytes = size_t{256} * 1024;
  static constexpr size_t kMaxRules = 1'000;

  // `methods` are all that the gateway serves, such as
  // "/passfort.gateway.v1.ProfileService/GetProfile". An error says line, column and what to do.
  //
  // Errors are, beside what PositionedJson refuses: an unknown member, a value of another type, an
  // empty list, object or string, no allow rules, two rules with the same name, a `*` within a
  // pattern, a principal, with or without `*`, that no certificate can give (principal_pattern.h),
  // and a path, with or without `*`, that matches none of `methods`. The last two are for deny
  // rules above all: a deny rule that has a typo denies nothing, and nobody would notice.
  static absl::StatusOr<AuthorizationPolicy> Parse(std::string_view text,
                                                   std::span<const std::string_view> methods);

  // Safe from any thread. Allocates nothing. Takes time linear in the rules.
  AuthorizationDecision Decide(std::string_view principal, std::string_view path) const;

  const std::string& name() const { return name_; }
  // The beginning of the SHA-256 of the text in hexadecimal, for the log; `sha256sum` prints the
  // same. Two versions of a file have different ones.
  std::string_view digest() const;
  const std::string& full_digest() const { return digest_; }
  size_t rules() const { return deny_rules_.size() + allow_rules_.size(); }

 private:
  class Reader;
  struct Rule {
    std::string name;
    std::vector<PrincipalPattern> principals;  // empty: any
    std::vector<TextPattern> paths;            // likewise

    bool Matches(std::string_view principal, std::string_view path) const;
  };

  AuthorizationPolicy() = default;

  std::string name_;
  std::vector<Rule> deny_rules_;
  std::vector<Rule> allow_rules_;
  std::string digest_;
};

}  // namespace gateway

#endif  // SERVICE_AUTHORIZATION_AUTHORIZATION_POLICY_H_
