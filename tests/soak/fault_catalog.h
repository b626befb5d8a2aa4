#ifndef TESTS_SOAK_FAULT_CATALOG_H_
#define TESTS_SOAK_FAULT_CATALOG_H_

#include <chrono>
#include <string_view>
#include <vector>

#include "tests/fake_passfort/fault.h"

namespace gateway::soak {

// A way in which Passfort may behave towards one intent.
struct MenuItem {
  std::string_view name;
  // For the profile of the intent, in this order; each goes once it was met.
  std::vector<Fault> faults;
  // Somebody else adds an equal application at that moment. It may be taken for the caller's, or
  // leave open which is the caller's; both are documented.
  bool has_stranger = false;
};

// Stands for what is about a person in some of the answers: no log may show it.
inline constexpr std::string_view kPersonCanary = "person-canary-3c81";

// All that fake-passfort can do to one profile. What it does late happens within `kLatest`.
const std::vector<MenuItem>& FaultMenu();

inline constexpr std::chrono::milliseconds kLatest{500};

}  // namespace gateway::soak

#endif  // TESTS_SOAK_FAULT_CATALOG_H_
