#include "tests/unit/authorization/policy_oracle.h"

#include <cstddef>
#include <regex>
#include <set>

#include "tests/unit/authorization/file_oracle.h"

namespace gateway {
namespace {

using nlohmann::json;

// As a shell matches: each asterisk stands for any text.
bool Glob(std::string_view pattern, std::string_view text) {
  if (pattern.starts_with('*')) {
    return Glob(pattern.substr(1), text) || (!text.empty() && Glob(pattern, text.substr(1)));
  }
  if (text.empty() || pattern.empty()) return text.empty() && pattern.empty();
  return pattern.front() == text.front() && Glob(pattern.substr(1), text.substr(1));
}

bool GlobsOneOf(const json& patterns, const std::string& text) {
  for (const json& pattern : patterns) {
    if (Glob(pattern.get<std::string>(), text)) return true;
  }
  return false;
}

bool IsText(const json& value) { return value.is_string() && value != ""; }

bool IsPattern(const json& value) {
  if (!IsText(value)) return false;
  const auto text = value.get<std::string>();
  const std::string inner = text.size() > 2 ? text.substr(1, text.size() - 2) : "";
  const int ends = text.size() == 1 ? 0 : (text.front() == '*') + (text.back() == '*');
  return inner.find('*') == std::string::npos && ends <= 1;
}

// Whether something can stand for the asterisk so that there is a principal. Before the end of a
// trust domain nothing can.
bool IsPrincipalPattern(const std::string& pattern) {
  static const std::regex half_a_domain(R"(spiffe:/*[^/]*\*)");
  if (pattern == "*") return true;
  if (std::regex_match(pattern.substr(0, 2048), half_a_domain)) return false;
  const size_t asterisk = pattern.find('*');
  if (asterisk == std::string::npos) return IsPrincipal(pattern);
  const bool is_host = pattern.find('/') == std::string::npos;
  const bool is_spiffe_suffix = asterisk == 0 && !is_host;
  for (const char* text : {"", "a", ".a", "spiffe://a/a"}) {
    if (is_spiffe_suffix != (std::string_view(text) == "spiffe://a/a")) continue;
    if (IsPrincipal(std::string(pattern).replace(asterisk, 1, text))) return true;
  }
  return false;
}

bool ArePrincipals(const json& patterns) {
  for (const json& pattern : patterns) {
    if (!IsPrincipalPattern(pattern.get<std::string>())) return false;
  }
  return true;
}

bool GlobsPrincipal(const json& patterns, const std::string& principal) {
  const bool is_spiffe_id = principal.rfind("spiffe://", 0) == 0;
  for (const json& pattern : patterns) {
    const auto text = pattern.get<std::string>();
    const bool is_about_spiffe_ids = text == "*" || text.find('/') != std::string::npos;
    if (Glob(text, principal) && (is_about_spiffe_ids || !is_spiffe_id)) return true;
  }
  return false;
}

bool IsList(const json& value) { return value.is_array() && !value.empty(); }

bool IsListOfPatterns(const json& object, const std::string& name) {
  if (!HasOnly(object, {name}) || object.empty() || !IsList(object.at(name))) return false;
  for (const json& pattern : object.at(name)) {
    if (!IsPattern(pattern)) return false;
  }
  return true;
}

bool ArePathsServed(const json& paths, std::span<const std::string_view> methods) {
  for (const json& path : paths) {
    bool is_served = false;
    for (const std::string_view method : methods) {
      if (GlobsOneOf(json::array({path}), std::string(method))) is_served = true;
    }
    if (!is_served) return false;
  }
  return true;
}

bool IsRule(const json& rule, std::span<const std::string_view> methods) {
  if (!HasOnly(rule, {"name", "source", "request"})) return false;
  if (!rule.contains("name") || !IsText(rule.at("name"))) return false;
  if (rule.contains("source") && (!IsListOfPatterns(rule.at("source"), "principals") ||
                                  !ArePrincipals(rule.at("source").at("principals")))) {
    return false;
  }
  if (!rule.contains("request")) return true;
  return IsListOfPatterns(rule.at("request"), "paths") &&
         ArePathsServed(rule.at("request").at("paths"), methods);
}

bool IsPolicy(const json& policy, std::span<const std::string_view> methods) {
  if (!HasOnly(policy, {"name", "deny_rules", "allow_rules"})) return false;
  if (!policy.contains("name") || !IsText(policy.at("name"))) return false;
  if (!policy.contains("allow_rules")) return false;
  std::set<std::string> names;
  size_t rules = 0;
  for (const char* list : {"deny_rules", "allow_rules"}) {
    if (!policy.contains(list)) continue;
    if (!IsList(policy.at(list))) return false;
    for (const json& rule : policy.at(list)) {
      if (!IsRule(rule, methods)) return false;
      names.insert(rule.at("name"));
      ++rules;
    }
  }
  return names.size() == rules && rules <= 1000;
}

bool RuleMatches(const json& rule, const std::string& principal, const std::string& path) {
  return (!rule.contains("source") || GlobsPrincipal(rule["source"]["principals"], principal)) &&
         (!rule.contains("request") || GlobsOneOf(rule["request"]["paths"], path));
}

}  // namespace

std::optional<PolicyOracle> PolicyOracle::Read(std::string_view text,
                                               std::span<const std::string_view> methods) {
  if (text.size() > size_t{256} * 1024) return {};
  std::optional<json> policy = ReadWithoutDuplicates(text);
  if (!policy || !IsPolicy(*policy, methods)) return {};
  return PolicyOracle(*std::move(policy));
}

std::pair<bool, std::string> PolicyOracle::Decide(const std::string& principal,
                                                  const std::string& path) const {
  std::pair<bool, std::string> verdict;
  if (principal.empty()) return verdict;
  // Backwards, and the first rule of the file has the last word.
  for (const char* list : {"allow_rules", "deny_rules"}) {
    const json rules = policy_.value(list, json::array());
    for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
      if (RuleMatches(*rule, principal, path)) {
        verdict = {std::string_view(list) == "allow_rules", rule->at("name")};
      }
    }
  }
  return verdict;
}

}  // namespace gateway
