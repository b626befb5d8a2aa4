#include "tests/unit/authorization/file_oracle.h"

#include <cstddef>
#include <regex>

namespace gateway {
namespace {

using nlohmann::json;

size_t CountMembers(const json& value) {
  size_t count = value.is_object() ? value.size() : 0;
  if (value.is_structured()) {
    for (const json& part : value) count += CountMembers(part);
  }
  return count;
}

}  // namespace

std::optional<json> ReadWithoutDuplicates(std::string_view text) {
  if (text.find('\0') != std::string_view::npos || text.starts_with("\xEF\xBB\xBF")) return {};
  size_t keys = 0;
  const auto count = [&keys](int, json::parse_event_t event, json&) {
    keys += event == json::parse_event_t::key ? 1U : 0U;
    return true;
  };
  json value = json::parse(text, count, /*allow_exceptions=*/false);
  if (value.is_discarded() || CountMembers(value) != keys) return {};
  return value;
}

bool IsPrincipal(const std::string& text) {
  static const std::regex spiffe(R"(spiffe://[a-z0-9._-]+(/(?!\.\.?(/|$))[A-Za-z0-9._-]+)+)");
  static const std::regex host(
      R"((?!.*[^.]{64})(?!(.*\.)?[0-9]+$)[a-z0-9_]+(-+[a-z0-9_]+)*(\.[a-z0-9_]+(-+[a-z0-9_]+)*)*)");
  if (text.size() > 2048) return false;
  if (std::regex_match(text, spiffe)) return text.find('/', 9) - 9 <= 255;
  return text.size() <= 253 && std::regex_match(text, host);
}

bool HasOnly(const json& object, const std::set<std::string>& names) {
  if (!object.is_object()) return false;
  for (const auto& member : object.items()) {
    if (!names.contains(member.key())) return false;
  }
  return true;
}

}  // namespace gateway
