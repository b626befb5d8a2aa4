#ifndef TESTS_FAKE_PASSFORT_BEHAVIOUR_JSON_H_
#define TESTS_FAKE_PASSFORT_BEHAVIOUR_JSON_H_

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "tests/fake_passfort/behaviour.h"

namespace gateway {

// What somebody asks for with POST /control/behaviour.
struct BehaviourWish {
  std::string profile_id;  // empty: all profiles that have no behaviour of their own
  Behaviour behaviour;     // `now` of that profile, with the members that were named changed
  std::string problem;     // what is wrong with it; empty: nothing
};

// Reads it as control.h describes it; `now` gives the behaviour in force of a profile, or of all.
// Strict, as ParseFaults is.
BehaviourWish ParseBehaviour(std::string_view json,
                             const std::function<Behaviour(std::string_view profile_id)>& now);

nlohmann::ordered_json BehaviourJson(const Behaviour& behaviour);

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_BEHAVIOUR_JSON_H_
