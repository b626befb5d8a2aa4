#include "tests/soak/growth.h"

#include <gtest/gtest.h>

#include <vector>

namespace gateway::soak {
namespace {

constexpr GrowthTolerance kTolerance{.absolute = 100, .share = 0.1};

std::vector<double> Steady(size_t samples, double level) {
  return std::vector<double>(samples, level);
}

// `per_sample` is added with every sample.
std::vector<double> Slope(size_t samples, double first, double per_sample) {
  std::vector<double> slope;
  for (size_t i = 0; i < samples; ++i) slope.push_back(first + per_sample * static_cast<double>(i));
  return slope;
}

TEST(GrowthTest, ASteadyLevelHasNotGrown) {
  const auto growth = JudgeGrowth(Steady(100, 500), kTolerance);
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->warm, 500);
  EXPECT_EQ(growth->end, 500);
  EXPECT_FALSE(growth->is_too_much);
}

TEST(GrowthTest, WhatTheWarmUpAddsIsNoGrowth) {
  std::vector<double> samples = Steady(100, 5000);
  for (size_t i = 0; i < 20; ++i) samples[i] = 10.0 * static_cast<double>(i);
  const auto growth = JudgeGrowth(samples, kTolerance);
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->grown(), 0);
}

// From the middle of the second fifth to that of the last one are 60 of 100 samples.
TEST(GrowthTest, ASteadyRiseIsMeasuredAndJudgedByTheLargerTolerance) {
  const auto within = JudgeGrowth(Slope(100, 500, 1.6), kTolerance);
  const auto beyond = JudgeGrowth(Slope(100, 500, 1.7), kTolerance);
  ASSERT_TRUE(within && beyond);
  EXPECT_NEAR(within->grown(), 96, 0.001);
  EXPECT_FALSE(within->is_too_much);
  EXPECT_TRUE(beyond->is_too_much);
  // A tenth of 5,000 is more than 100.
  EXPECT_FALSE(JudgeGrowth(Slope(100, 5000, 1.7), kTolerance)->is_too_much);
}

TEST(GrowthTest, AStepThatStaysIsGrowth) {
  std::vector<double> samples = Steady(100, 500);
  for (size_t i = 60; i < samples.size(); ++i) samples[i] = 700;
  EXPECT_TRUE(JudgeGrowth(samples, kTolerance)->is_too_much);
}

TEST(GrowthTest, APeakIsNoGrowthAndHidesNone) {
  std::vector<double> at_the_end = Steady(100, 500);
  for (size_t i = 92; i < 100; ++i) at_the_end[i] = 9000;
  EXPECT_FALSE(JudgeGrowth(at_the_end, kTolerance)->is_too_much);

  std::vector<double> after_warm_up = Slope(100, 500, 5);
  for (size_t i = 25; i < 32; ++i) after_warm_up[i] = 9000;
  EXPECT_TRUE(JudgeGrowth(after_warm_up, kTolerance)->is_too_much);
}

TEST(GrowthTest, TheCourseHasTheMedianOfEachTenth) {
  EXPECT_EQ(Course(Slope(30, 0, 1)), (std::vector<double>{1, 4, 7, 10, 13, 16, 19, 22, 25, 28}));
  EXPECT_TRUE(Course(Steady(kMinSamples - 1, 1)).empty());
}

TEST(GrowthTest, AFallIsNoGrowth) {
  EXPECT_FALSE(JudgeGrowth(Slope(100, 5000, -20), kTolerance)->is_too_much);
}

TEST(GrowthTest, FewSamplesTellNothing) {
  EXPECT_FALSE(JudgeGrowth(Slope(kMinSamples - 1, 0, 1000), kTolerance));
  EXPECT_TRUE(JudgeGrowth(Slope(kMinSamples, 0, 1000), kTolerance));
  EXPECT_FALSE(JudgeGrowth({}, kTolerance));
}

}  // namespace
}  // namespace gateway::soak
