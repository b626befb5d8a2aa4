#include "service/observability/log_members.h"

#include <variant>

#include "service/observability/json_text.h"

namespace gateway {

void AppendLogMember(const LogField& field, std::string& members) {
  if (!members.empty() && members.back() != '{') members += ',';
  AppendJsonString(field.name, members);
  members += ':';
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    AppendJsonString(*text, members);
  } else if (const auto* integer = std::get_if<int64_t>(&field.value)) {
    members += std::to_string(*integer);
  } else if (const auto* number = std::get_if<double>(&field.value)) {
    AppendJsonNumber(*number, members);
  } else {
    members += std::get<bool>(field.value) ? "true" : "false";
  }
}

}  // namespace gateway
