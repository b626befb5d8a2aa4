#include <gtest/gtest.h>

#include <type_traits>

#include "service/once/step_hook_from_environment.h"

#ifdef GATEWAY_STEP_HOOK
#error "this test is about a build without the hook"
#endif

namespace gateway {
namespace {

TEST(StepHookOfAReleaseTest, HoldsNothingAndReadsNothing) {
  static_assert(std::is_empty_v<StepHook>);
  ASSERT_EQ(setenv("GATEWAY_STEP_HOOK", "begin:kill", 1), 0);
  StepHookFromEnvironment()(OnceStep::kBegin, "order-1");  // or this program would be dead
}

}  // namespace
}  // namespace gateway
