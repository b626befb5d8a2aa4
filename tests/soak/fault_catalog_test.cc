#include "tests/soak/fault_catalog.h"

#include <gtest/gtest.h>

#include <set>

namespace gateway::soak {
namespace {

TEST(FaultMenuTest, EveryItemHasANameOfItsOwnAndMakesSense) {
  std::set<std::string_view> names;
  for (const MenuItem& item : FaultMenu()) {
    EXPECT_TRUE(names.insert(item.name).second) << item.name;
    EXPECT_FALSE(item.faults.empty()) << item.name;
    for (const Fault& fault : item.faults) EXPECT_EQ(fault.Problem(), "") << item.name;
  }
}

// One that were for every profile or for always would outlive its intent.
TEST(FaultMenuTest, EveryFaultIsForOneProfileAndComesToAnEnd) {
  for (const MenuItem& item : FaultMenu()) {
    for (const Fault& fault : item.faults) {
      EXPECT_NE(fault.endpoint, Endpoint::kAny) << item.name;
      EXPECT_LT(fault.times, 10) << item.name;
      EXPECT_LE(fault.carry_out_after, kLatest) << item.name;
    }
  }
}

}  // namespace
}  // namespace gateway::soak
