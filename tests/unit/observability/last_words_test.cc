#include "service/observability/last_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>

namespace gateway {
namespace {

constexpr char kTime[] = R"(\{"time":"20..-..-..T..:..:..\....Z","level":"error",)";

TEST(LastWordsTest, AreALineAsInTheLog) {
  testing::internal::CaptureStderr();
  WriteLastWords("a \"message\"", {{"line", int64_t{7}}, {"detail", "with a\nline break"}});
  EXPECT_THAT(
      testing::internal::GetCapturedStderr(),
      testing::ContainsRegex(
          std::string("^") + kTime +
          R"("message":"a \\"message\\"","line":7,"detail":"with a\\nline break"\})" + "\n$"));
}

TEST(LastWordsTest, OfAnExceptionThatNobodyCatchesAreWithoutItsText) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        ReportAborts();
        std::thread([] { throw std::runtime_error("canary"); }).join();
      },
      testing::KilledBySignal(SIGABRT),
      testing::AllOf(testing::ContainsRegex(std::string(kTime) +
                                            R"("message":"the process ends: an exception )"),
                     testing::HasSubstr("runtime_error"),
                     testing::Not(testing::HasSubstr("canary"))));
}

extern "C" void __assert_fail(const char*, const char*, unsigned, const char*) noexcept;

TEST(LastWordsTest, OfAnAssertionNameItsPlace) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(__assert_fail("1 == \"2\"", "a.cc", 3, "f"), testing::KilledBySignal(SIGABRT),
              testing::ContainsRegex(std::string(kTime) +
                                     R"("message":"the process ends: an assertion failed",)" +
                                     R"("assertion":"1 == \\"2\\"","file":"a.cc","line":3\})"));
}

}  // namespace
}  // namespace gateway
