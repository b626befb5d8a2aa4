#include "service/passfort/passfort_error.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace gateway {
namespace {

constexpr size_t kMessageBytes = 200;

std::optional<int> CodeOf(const nlohmann::json& error) {
  const auto code = error.find("code");
  if (code == error.end()) return std::nullopt;
  int number = 0;
  if (code->is_string()) {
    const auto& digits = code->get_ref<const std::string&>();
    if (!absl::SimpleAtoi(absl::string_view(digits), &number)) return std::nullopt;
    return number;
  }
  if (!code->is_number_integer()) return std::nullopt;
  // As a double, which holds every int exactly and stays in order beyond: an int64 would turn what
  // is larger into a negative number.
  const auto wide = code->get<double>();
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    return std::nullopt;
  }
  return static_cast<int>(wide);
}

// A page of a proxy can arrive inside a JSON string as well, and is of no use to a caller.
bool LooksLikeHtml(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '<';
}

std::string_view CutBetweenCharacters(std::string_view text, size_t longest) {
  if (text.size() <= longest) return text;
  const auto continues_a_character = [](char byte) { return (byte & 0xC0) == 0x80; };
  while (longest > 0 && continues_a_character(text[longest])) --longest;
  return text.substr(0, longest);
}

std::string MessageOf(const nlohmann::json& error) {
  const auto message = error.find("message");
  if (message == error.end() || !message->is_string()) return "";
  const auto& text = message->get_ref<const std::string&>();
  if (LooksLikeHtml(text)) return "";
  return std::string(CutBetweenCharacters(text, kMessageBytes));
}

}  // namespace

std::optional<PassfortError> FirstError(const nlohmann::json& body) {
  if (!body.is_object()) return std::nullopt;
  const auto errors = body.find("errors");
  if (errors == body.end()) return std::nullopt;
  const nlohmann::json* first = &*errors;
  if (errors->is_array()) {
    if (errors->empty()) return std::nullopt;
    first = &errors->front();
  }
  if (!first->is_object() || first->empty()) return std::nullopt;
  return PassfortError{.code = CodeOf(*first), .message = MessageOf(*first)};
}

PassfortCodeClass ClassOfCode(int code) {
  switch (code) {
    case 101:  // MISSING_REQUIRED_FIELDS
    case 102:  // ENTITY_ALREADY_APPROVED
    case 103:  // ENTITY_ALREADY_REJECTED
    case 104:  // CHARGEABLE_LIMIT_REACHED
    case 105:  // CONSTRAINTS_NOT_SATISFIED
    case 106:  // COUNTRY_NOT_SUPPORTED
    case 107:  // CHECK_LIMIT_REACHED
    case 201:  // INVALID_INPUT_DATA
    case 202:  // DATA_PRESENT
    case 203:  // MISSING_API_KEY
    case 204:  // INVALID_API_KEY
    case 502:  // PROCESS_NOT_SETUP
      return PassfortCodeClass::kRefusal;
    case 301:  // USER_MIGRATION_ERROR
    case 302:  // PROVIDER_CONNECTION_ERROR
    case 303:  // PROVIDER_UNKNOWN_ERROR
    case 401:  // UNKNOWN_INTERNAL_ERROR
    case 402:  // TRANSITION_ERROR
    case 501:  // LEGACY_ERROR
      return PassfortCodeClass::kInternal;
    default:
      return PassfortCodeClass::kUnknown;
  }
}

}  // namespace gateway
