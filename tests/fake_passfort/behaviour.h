#ifndef TESTS_FAKE_PASSFORT_BEHAVIOUR_H_
#define TESTS_FAKE_PASSFORT_BEHAVIOUR_H_

#include <chrono>

namespace gateway {

// What makes an application move on by itself.
struct MovesOn {
  enum class When {
    kOnRead,  // a step after each GET that has shown it
    kNever,
    kEvery,  // a step whenever `every` has passed since its last one
  };

  When when = When::kOnRead;
  std::chrono::milliseconds every{0};  // above zero with kEvery
};

// How the fake behaves where Passfort's documents contradict each other or say nothing, so that a
// client can be tried against every reading of them. A Fault is for single requests, this is for
// all of them.
struct Behaviour {
  enum class AutoApply {
    kWhenEmpty,  // only for a profile that is created with no application
    kNever,
    kAlways,  // also beside the applications asked for
  };
  enum class ApplicationsInCreateAnswer { kAll, kNone, kWithoutTheLast };
  enum class UnknownProduct {
    kRefuseAll,  // 201 INVALID_INPUT_DATA; nothing is created
    kLeaveOut,   // the profile is created without that application
  };

  // What POST /profiles does.
  int create_status = 200;  // or 201
  AutoApply auto_apply = AutoApply::kWhenEmpty;
  bool empty_list_is_none = true;  // `"applications": []` is as if the member were left out
  ApplicationsInCreateAnswer applications_in_create_answer = ApplicationsInCreateAnswer::kAll;
  UnknownProduct unknown_product = UnknownProduct::kRefuseAll;

  // What every answer about a profile or its applications shows.
  bool rewrites_addresses = true;  // a FREEFORM address is shown as a STRUCTURED one
  bool shows_creation_date = true;
  bool restless_member = false;  // an unknown member, with another value in every answer
  MovesOn moves_on = {};
};

// For those who compare what was shown at one time with what is shown at another.
inline Behaviour WithoutProgress() { return {.moves_on = {.when = MovesOn::When::kNever}}; }

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_BEHAVIOUR_H_
