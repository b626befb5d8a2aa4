#include "service/resilience/retry_budget.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

int RepeatsLeft(RetryBudget& budget) {
  int repeats = 0;
  while (budget.TryWithdraw()) ++repeats;
  return repeats;
}

TEST(RetryBudgetTest, StartsFull) {
  RetryBudget budget({.calls_per_retry = 20, .max_saved_retries = 3});
  EXPECT_EQ(RepeatsLeft(budget), 3);
}

TEST(RetryBudgetTest, EarnsOneRepeatByTheAgreedNumberOfCalls) {
  RetryBudget budget({.calls_per_retry = 20, .max_saved_retries = 3});
  RepeatsLeft(budget);

  for (int call = 0; call < 19; ++call) budget.OnCall();
  EXPECT_FALSE(budget.TryWithdraw());
  budget.OnCall();
  EXPECT_TRUE(budget.TryWithdraw());
  EXPECT_FALSE(budget.TryWithdraw());
}

TEST(RetryBudgetTest, SavesNoMoreThanItsBound) {
  RetryBudget budget({.calls_per_retry = 2, .max_saved_retries = 3});
  for (int call = 0; call < 1000; ++call) budget.OnCall();
  EXPECT_EQ(RepeatsLeft(budget), 3);
}

}  // namespace
}  // namespace gateway
