#include <gtest/gtest.h>

#include <type_traits>

#include "service/idempotency/failpoints_from_environment.h"

#ifdef GATEWAY_FAILPOINTS
#error "this test is about a build without the hook"
#endif

namespace gateway {
namespace {

TEST(StepHookOfAReleaseTest, HoldsNothingAndReadsNothing) {
  static_assert(std::is_empty_v<FailPoints>);
  ASSERT_EQ(setenv("GATEWAY_FAILPOINTS", "begin:kill", 1), 0);
  FailPointsFromEnvironment()(FailPointId::kBeforeClaim,
                              "order-1");  // or this program would be dead
}

}  // namespace
}  // namespace gateway
