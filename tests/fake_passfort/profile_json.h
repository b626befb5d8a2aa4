#ifndef TESTS_FAKE_PASSFORT_PROFILE_JSON_H_
#define TESTS_FAKE_PASSFORT_PROFILE_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fake_passfort/application_json.h"
#include "tests/fake_passfort/behaviour.h"
#include "tests/fake_passfort/passfort_state.h"

namespace gateway {

// What POST /profiles asks for.
struct ProfileWish {
  std::string role;
  std::string collected_data;                 // JSON
  std::vector<ApplicationWish> applications;  // those that will be made
  bool asks_for_applications = false;         // even if none of them will be made
};

// Reads the body of POST /profiles; `refusal` is set if nothing can be made of it.
ProfileWish ReadProfileWish(std::string_view body, const Behaviour& behaviour,
                            std::optional<Refusal>& refusal);

// What a profile is that nobody created.
FakeProfile PlainProfile(std::string_view profile_id);

// `applications` is what the API has of them, `shown` what the answer shows.
nlohmann::ordered_json ProfileJson(const FakeProfile& profile,
                                   const std::vector<FakeApplication>& applications,
                                   nlohmann::ordered_json shown, const Behaviour& behaviour);

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_PROFILE_JSON_H_
