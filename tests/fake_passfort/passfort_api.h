#ifndef TESTS_FAKE_PASSFORT_PASSFORT_API_H_
#define TESTS_FAKE_PASSFORT_PASSFORT_API_H_

#include <optional>
#include <string>
#include <string_view>

#include "tests/fake_passfort/behaviour.h"
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

// The terms under which one request is executed.
struct ApiRules {
  std::string_view api_key;
  Behaviour behaviour;
  PassfortState::RevertedId reverted_id = PassfortState::RevertedId::kSame;
};

// What one request made; empty: nothing.
struct ApiEffect {
  GivenAnswer answer;
  std::string made_id;          // the application of POST .../applications
  std::string made_profile_id;  // the profile of POST /profiles
};

// The API as documented: decides about one request, changes `state`, and answers. No I/O.
ApiEffect CarryOut(PassfortState& state, const ReceivedRequest& request, const ApiRules& rules,
                   WallTime now);

GivenAnswer RefusalAnswer(const Refusal& refusal);

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_PASSFORT_API_H_
