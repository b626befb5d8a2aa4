#include "service/http/response_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

ResponseReader::Limits LimitsOf(size_t body, size_t headers) {
  return {.max_response_bytes = body,
          .max_header_bytes = headers,
          .kept_response_headers = {"retry-after", "x-request-id"}};
}

TEST(ResponseReaderTest, KeepsTheHeadersItWasToldToInLowerCase) {
  const auto limits = LimitsOf(100, 1000);
  ResponseReader reader(limits);
  EXPECT_TRUE(reader.AddHeaderLine("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(reader.AddHeaderLine("Retry-After:  7 \r\n"));
  EXPECT_TRUE(reader.AddHeaderLine("Server: nginx\r\n"));
  EXPECT_TRUE(reader.AddHeaderLine("X-REQUEST-ID:a:b\r\n"));
  EXPECT_TRUE(reader.AddHeaderLine("no colon\r\n"));
  EXPECT_TRUE(reader.AddHeaderLine("\r\n"));
  EXPECT_TRUE(reader.AddBody("one "));
  EXPECT_TRUE(reader.AddBody("two"));

  const HttpResponse response = reader.Finish(200);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "one two");
  EXPECT_THAT(response.headers, ElementsAre(Pair("retry-after", "7"), Pair("x-request-id", "a:b")));
}

TEST(ResponseReaderTest, ForgetsInterimAnswersAndTrailers) {
  const auto limits = LimitsOf(100, 1000);
  ResponseReader reader(limits);
  for (const char* line : {"HTTP/1.1 103 Early Hints\r\n", "Retry-After: 1\r\n", "\r\n",
                           "HTTP/1.1 200 OK\r\n", "\r\n"}) {
    EXPECT_TRUE(reader.AddHeaderLine(line));
  }
  EXPECT_TRUE(reader.AddBody("x"));
  EXPECT_TRUE(reader.AddHeaderLine("Retry-After: 2\r\n"));
  EXPECT_THAT(reader.Finish(200).headers, IsEmpty());
}

TEST(ResponseReaderTest, ReadsTwentyInterimResponsesAndNoMore) {
  const auto limits = LimitsOf(100, 100'000);
  for (const int interim : {20, 21}) {
    ResponseReader reader(limits);
    for (int i = 0; i < interim; ++i) {
      EXPECT_TRUE(reader.AddHeaderLine("HTTP/1.1 100 Continue\r\n"));
      EXPECT_TRUE(reader.AddHeaderLine("\r\n"));
    }
    EXPECT_EQ(reader.AddHeaderLine("HTTP/1.1 200 OK\r\n"), interim == 20);
    EXPECT_EQ(reader.is_too_large(), interim != 20);
    reader.Reset();
    EXPECT_TRUE(reader.AddHeaderLine("HTTP/1.1 100 Continue\r\n"));
    EXPECT_TRUE(reader.AddHeaderLine("HTTP/1.1 200 OK\r\n"));
  }
}

TEST(ResponseReaderTest, ABodyThatSaysItsLengthDoesNotMoveWhileItComes) {
  constexpr size_t kBytes = 100'000;
  const auto limits = LimitsOf(kBytes, 1000);
  ResponseReader reader(limits);
  EXPECT_TRUE(reader.ExpectBody(kBytes));
  for (size_t i = 0; i < kBytes; i += 1000) EXPECT_TRUE(reader.AddBody(std::string(1000, 'x')));
  EXPECT_EQ(reader.Finish(200).body.capacity(), kBytes);
}

TEST(ResponseReaderTest, ABodyThatSaysMoreThanItMayIsTooLargeAtOnce) {
  const auto limits = LimitsOf(100, 1000);
  ResponseReader reader(limits);
  EXPECT_TRUE(reader.ExpectBody(100));
  EXPECT_FALSE(reader.is_too_large());
  EXPECT_FALSE(reader.ExpectBody(101));
  EXPECT_TRUE(reader.is_too_large());
}

TEST(ResponseReaderTest, KnowsWhetherTheHeadersAreWhole) {
  const auto limits = LimitsOf(100, 1000);
  ResponseReader reader(limits);
  EXPECT_FALSE(reader.has_whole_headers());
  EXPECT_TRUE(reader.AddHeaderLine("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(reader.AddHeaderLine("Content-Le"));
  EXPECT_FALSE(reader.has_whole_headers());
  EXPECT_TRUE(reader.AddHeaderLine("\r\n"));
  EXPECT_TRUE(reader.has_whole_headers());
  reader.Reset();
  EXPECT_FALSE(reader.has_whole_headers());
}

TEST(ResponseReaderTest, TakesABodyOfTheLimitAndNoByteMore) {
  const auto limits = LimitsOf(4, 1000);
  ResponseReader reader(limits);
  EXPECT_TRUE(reader.AddBody("ab"));
  EXPECT_TRUE(reader.AddBody("cd"));
  EXPECT_FALSE(reader.is_too_large());
  EXPECT_FALSE(reader.AddBody("e"));
  EXPECT_TRUE(reader.is_too_large());
}

TEST(ResponseReaderTest, TakesALongerBodyWhereThatIsAllowedForOneAnswer) {
  const auto limits = LimitsOf(4, 1000);
  ResponseReader reader(limits);
  reader.Reset(6);
  EXPECT_TRUE(reader.AddBody("abcdef"));
  EXPECT_FALSE(reader.AddBody("g"));
  reader.Reset(2);
  EXPECT_TRUE(reader.AddBody("abcd"));
  EXPECT_FALSE(reader.AddBody("e"));
}

TEST(ResponseReaderTest, TakesHeadersOfTheLimitAndNoByteMore) {
  const auto limits = LimitsOf(4, 10);
  ResponseReader reader(limits);
  EXPECT_TRUE(reader.AddHeaderLine("HTTP/1.1 \r"));
  EXPECT_FALSE(reader.is_too_large());
  EXPECT_FALSE(reader.AddHeaderLine("a"));
  EXPECT_TRUE(reader.is_too_large());
}

TEST(ResponseReaderTest, StartsOverWithNothingLeft) {
  const auto limits = LimitsOf(2, 20);
  ResponseReader reader(limits);
  EXPECT_TRUE(reader.AddHeaderLine("HTTP/1.1 200\r\n"));
  EXPECT_TRUE(reader.AddBody("ab"));
  EXPECT_FALSE(reader.AddBody("c"));
  reader.Reset();
  EXPECT_FALSE(reader.is_too_large());
  EXPECT_TRUE(reader.AddHeaderLine("HTTP/1.1 200\r\n"));
  EXPECT_TRUE(reader.AddBody("de"));
  EXPECT_EQ(reader.Finish(200).body, "de");
}

}  // namespace
}  // namespace gateway
