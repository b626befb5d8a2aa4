#ifndef TESTS_UNIT_AUTHORIZATION_FILE_ORACLE_H_
#define TESTS_UNIT_AUTHORIZATION_FILE_ORACLE_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace gateway {

// What the oracles for files of the operator have in common.

// Nothing if it is not JSON, or an object has two members with the same name: then the tree has
// fewer members than the text.
std::optional<nlohmann::json> ReadWithoutDuplicates(std::string_view text);

// Whether a certificate can give it.
bool IsPrincipal(const std::string& text);

// Whether it is an object with no members but these.
bool HasOnly(const nlohmann::json& object, const std::set<std::string>& names);

}  // namespace gateway

#endif  // TESTS_UNIT_AUTHORIZATION_FILE_ORACLE_H_
