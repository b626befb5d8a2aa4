#ifndef TESTS_FAKE_PASSFORT_PASSFORT_API_H_
#define TESTS_FAKE_PASSFORT_PASSFORT_API_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tests/fake_passfort/passfort_state.h"
#include "tests/fake_passfort/route.h"

namespace gateway {

// Status and JSON text.
struct GivenAnswer {
  int status = 200;
  std::string body;
};

struct ReceivedRequest {
  Route route;
  std::optional<std::string> api_key;  // the `apikey` header; a key in the query is not read
  std::string body;
};

// What one request made; empty: nothing.
struct ApiEffect {
  GivenAnswer answer;
  std::string made_id;
};

// What POST .../applications asks for.
struct ApplicationWish {
  const FakeProduct* product = nullptr;
  std::string associated_role;
};

// The API as documented: decides about one request, changes `state`, and answers. No I/O.
ApiEffect CarryOut(PassfortState& state, const ReceivedRequest& request,
                   std::string_view expected_key, PassfortState::RevertedId reverted_id,
                   WallTime now);

// Reads the body of POST .../applications; `refusal` is set if there is no product for it.
ApplicationWish ReadWish(std::string_view body, std::optional<Refusal>& refusal);

nlohmann::ordered_json ApplicationJson(const FakeApplication& application);
GivenAnswer RefusalAnswer(const Refusal& refusal);
// JSON as text; bytes that are no UTF-8 become replacement characters.
std::string Text(const nlohmann::ordered_json& json);

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_PASSFORT_API_H_
