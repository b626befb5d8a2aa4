#include "service/authorization/authorization_policy.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "service/authorization/json_checks.h"
#include "service/authorization/message_text.h"
#include "service/authorization/positioned_json.h"
#include "service/base/sha256.h"

namespace gateway {
namespace {

constexpr size_t kShownDigits = 16;

using Kind = JsonNode::Kind;

template <typename Pattern>
bool MatchesOneOf(const std::vector<Pattern>& patterns, std::string_view text) {
  return patterns.empty() || std::ranges::any_of(patterns, [text](const Pattern& pattern) {
           return pattern.Matches(text);
         });
}

}  // namespace

// Reads one policy. The functions return the first error.
class AuthorizationPolicy::Reader {
 public:
  Reader(const PositionedJson& json, std::span<const std::string_view> methods)
      : json_(json), checks_(json), methods_(methods) {}

  absl::Status Read(AuthorizationPolicy& policy) {
    const JsonNode& root = json_.root();
    absl::Status status =
        checks_.CheckObject(root, "the policy", {"name", "deny_rules", "allow_rules"});
    if (status.ok()) status = ReadName(root, "the policy", policy.name_);
    if (status.ok()) status = ReadRules(root, "deny_rules", policy.deny_rules_);
    if (status.ok()) status = ReadRules(root, "allow_rules", policy.allow_rules_);
    if (status.ok() && policy.allow_rules_.empty()) {
      status = json_.ErrorAt(root.offset,
                             "the policy has no \"allow_rules\", so nobody could call "
                             "anything; add one");
    }
    return status;
  }

 private:
  absl::Status ReadName(const JsonNode& object, std::string_view what, std::string& name) const {
    absl::StatusOr<std::string> read = checks_.ReadName(object, what);
    if (read.ok()) name = *read;
    return read.status();
  }

  absl::Status ReadRules(const JsonNode& root, std::string_view member, std::vector<Rule>& rules) {
    const JsonNode* const list = root.Find(member);
    if (list == nullptr) return absl::OkStatus();
    const std::string what = MessageText("\"", member, "\"");
    absl::Status status = checks_.CheckFilledList(*list, what);
    for (const JsonNode& item : list->items) {
      if (status.ok()) status = ReadRule(item, rules.emplace_back());
      if (!status.ok()) break;
    }
    return status;
  }

  absl::Status ReadRule(const JsonNode& node, Rule& rule) {
    absl::Status status = checks_.CheckObject(node, "a rule", {"name", "source", "request"});
    if (status.ok()) status = ReadName(node, "the rule", rule.name);
    if (status.ok()) status = Register(node, rule.name);
    if (status.ok()) status = ReadPatterns(node, "source", "principals", rule.principals);
    if (status.ok()) status = ReadPatterns(node, "request", "paths", rule.paths);
    return status;
  }

  // Rules of both lists: a log that names a rule has to name one.
  absl::Status Register(const JsonNode& node, std::string_view name) {
    const size_t offset = node.Find("name")->offset;
    if (const auto first = checks_.FirstLine(rule_places_, name, offset)) {
      return json_.ErrorAt(
          offset, MessageText("another rule is named ", QuotedForMessage(name), ", in ", *first,
                              "; the log needs names that differ"));
    }
    if (rule_places_.size() <= kMaxRules) return absl::OkStatus();
    return json_.ErrorAt(node.offset, MessageText("more than ", kMaxRules,
                                                  " rules; use patterns such as \"prefix*\""));
  }

  // `node.member.list`, of which `member` can be absent.
  template <typename Pattern>
  absl::Status ReadPatterns(const JsonNode& node, std::string_view member, std::string_view list,
                            std::vector<Pattern>& patterns) const {
    const JsonNode* const object = node.Find(member);
    if (object == nullptr) return absl::OkStatus();
    absl::Status status = checks_.CheckObject(*object, MessageText("\"", member, "\""), {list});
    if (!status.ok()) return status;
    const JsonNode* const strings = object->Find(list);
    if (strings == nullptr) {
      return json_.ErrorAt(
          object->offset, MessageText("\"", member, "\" has no \"", list, "\"; to match all ", list,
                                      ", leave \"", member, "\" out"));
    }
    status = checks_.CheckFilledList(*strings, MessageText("\"", list, "\""));
    for (const JsonNode& item : strings->items) {
      if (status.ok()) status = ReadPattern(item, list, patterns);
      if (!status.ok()) break;
    }
    return status;
  }

  template <typename Pattern>
  absl::Status ReadPattern(const JsonNode& node, std::string_view list,
                           std::vector<Pattern>& patterns) const {
    absl::Status status =
        checks_.CheckKind(node, MessageText("each of \"", list, "\""), Kind::kString);
    if (!status.ok()) return status;
    absl::StatusOr<Pattern> pattern = Pattern::Parse(node.text);
    if (!pattern.ok()) return json_.ErrorAt(node.offset, std::string(pattern.status().message()));
    status = CheckServed(node, *pattern);
    if (status.ok()) patterns.push_back(*std::move(pattern));
    return status;
  }

  // Parse() has checked all that can be known about principals.
  absl::Status CheckServed(const JsonNode&, const PrincipalPattern&) const {
    return absl::OkStatus();
  }

  absl::Status CheckServed(const JsonNode& node, const TextPattern& pattern) const {
    const bool is_served = std::ranges::any_of(
        methods_, [&pattern](std::string_view method) { return pattern.Matches(method); });
    if (is_served) return absl::OkStatus();
    return json_.ErrorAt(node.offset,
                         MessageText(QuotedForMessage(node.text),
                                     " matches no method of this gateway; the methods are: ",
                                     JoinedText(methods_, ", ")));
  }

  const PositionedJson& json_;
  const JsonChecks checks_;
  const std::span<const std::string_view> methods_;
  JsonChecks::Places rule_places_;  // of the rules' names so far
};

absl::StatusOr<AuthorizationPolicy> AuthorizationPolicy::Parse(
    std::string_view text, std::span<const std::string_view> methods) {
  const absl::StatusOr<PositionedJson> json = PositionedJson::Parse(text, kMaxBytes);
  if (!json.ok()) return json.status();
  AuthorizationPolicy policy;
  if (absl::Status status = Reader(*json, methods).Read(policy); !status.ok()) return status;
  policy.digest_ = absl::BytesToHexString(Sha256(text));
  return policy;
}

std::string_view AuthorizationPolicy::digest() const {
  return std::string_view(digest_).substr(0, kShownDigits);
}

AuthorizationDecision AuthorizationPolicy::Decide(std::string_view principal,
                                                  std::string_view path) const {
  // Not even `*` matches nobody.
  if (principal.empty()) return {};
  for (const Rule& rule : deny_rules_) {
    if (rule.Matches(principal, path)) return {.allowed = false, .rule = rule.name};
  }
  for (const Rule& rule : allow_rules_) {
    if (rule.Matches(principal, path)) return {.allowed = true, .rule = rule.name};
  }
  return {};
}

bool AuthorizationPolicy::Rule::Matches(std::string_view principal, std::string_view path) const {
  return MatchesOneOf(paths, path) && MatchesOneOf(principals, principal);
}

}  // namespace gateway
