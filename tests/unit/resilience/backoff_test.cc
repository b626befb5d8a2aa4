#include "service/resilience/backoff.h"

#include <gmock/gmock.h>

#include "tests/fakes/scripted_random.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;

TEST(BackoffTest, DoublesTheCeilingUpToTheLongestWait) {
  ScriptedRandom highest({1.0});
  Backoff backoff({.initial = 50ms, .max = 300ms}, highest);

  EXPECT_EQ(backoff.Next(), 50ms);
  EXPECT_EQ(backoff.Next(), 100ms);
  EXPECT_EQ(backoff.Next(), 200ms);
  EXPECT_EQ(backoff.Next(), 300ms);
  EXPECT_EQ(backoff.Next(), 300ms);
}

TEST(BackoffTest, SpreadsEachWaitOverAllOfItsRange) {
  ScriptedRandom random({0.0, 0.5, 0.25});
  Backoff backoff({.initial = 100ms, .max = 2000ms}, random);

  EXPECT_EQ(backoff.Next(), 0ms);
  EXPECT_EQ(backoff.Next(), 100ms);
  EXPECT_EQ(backoff.Next(), 100ms);
}

}  // namespace
}  // namespace gateway
