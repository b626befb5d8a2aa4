#ifndef TESTS_FAKE_PASSFORT_APPLICATION_JSON_H_
#define TESTS_FAKE_PASSFORT_APPLICATION_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tests/fake_passfort/passfort_state.h"

namespace gateway {

// The API's own error codes; kNoCode leaves the member out.
inline constexpr int kNoCode = 0;
inline constexpr int kMissingRequiredFields = 101;
inline constexpr int kInvalidInputData = 201;
inline constexpr int kMissingApiKey = 203;
inline constexpr int kInvalidApiKey = 204;

// What POST .../applications asks for, or one of the applications of POST /profiles.
struct ApplicationWish {
  const FakeProduct* product = nullptr;
  std::string associated_role;
  bool product_is_unknown = false;  // the only reason for the refusal
};

// Reads the body of POST .../applications; `refusal` is set if nothing can be made of it.
ApplicationWish ParseWish(std::string_view body, std::optional<Refusal>& refusal);
ApplicationWish ReadWish(const nlohmann::ordered_json& json, std::optional<Refusal>& refusal);

nlohmann::ordered_json ApplicationJson(const FakeApplication& application);

// The API's DateTime: `YYYY-MM-DD hh:mm:ss`. It has no zone; the fake's is UTC.
std::string DateTime(WallTime time);
// JSON as text; bytes that are no UTF-8 become replacement characters.
std::string Text(const nlohmann::ordered_json& json);
// Empty if the object has no such member, or one that is no string.
std::string TextMember(const nlohmann::ordered_json& object, const char* name);

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_APPLICATION_JSON_H_
