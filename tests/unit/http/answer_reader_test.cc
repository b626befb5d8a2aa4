#include "service/http/answer_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

AnswerReader::Limits LimitsOf(size_t body, size_t headers) {
  return {.max_response_bytes = body,
          .max_header_bytes = headers,
          .kept_response_headers = {"retry-after", "x-request-id"}};
}

TEST(AnswerReaderTest, KeepsTheHeadersItWasToldToInLowerCase) {
  const auto limits = LimitsOf(100, 1000);
  AnswerReader reader(limits);
  EXPECT_TRUE(reader.TakeHeaderLine("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(reader.TakeHeaderLine("Retry-After:  7 \r\n"));
  EXPECT_TRUE(reader.TakeHeaderLine("Server: nginx\r\n"));
  EXPECT_TRUE(reader.TakeHeaderLine("X-REQUEST-ID:a:b\r\n"));
  EXPECT_TRUE(reader.TakeHeaderLine("no colon\r\n"));
  EXPECT_TRUE(reader.TakeHeaderLine("\r\n"));
  EXPECT_TRUE(reader.TakeBody("one "));
  EXPECT_TRUE(reader.TakeBody("two"));

  const HttpResponse response = reader.Finish(200);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "one two");
  EXPECT_THAT(response.headers, ElementsAre(Pair("retry-after", "7"), Pair("x-request-id", "a:b")));
}

TEST(AnswerReaderTest, ForgetsInterimAnswersAndTrailers) {
  const auto limits = LimitsOf(100, 1000);
  AnswerReader reader(limits);
  for (const char* line : {"HTTP/1.1 103 Early Hints\r\n", "Retry-After: 1\r\n", "\r\n",
                           "HTTP/1.1 200 OK\r\n", "\r\n"}) {
    EXPECT_TRUE(reader.TakeHeaderLine(line));
  }
  EXPECT_TRUE(reader.TakeBody("x"));
  EXPECT_TRUE(reader.TakeHeaderLine("Retry-After: 2\r\n"));
  EXPECT_THAT(reader.Finish(200).headers, IsEmpty());
}

TEST(AnswerReaderTest, KnowsWhetherTheHeadersAreWhole) {
  const auto limits = LimitsOf(100, 1000);
  AnswerReader reader(limits);
  EXPECT_FALSE(reader.has_whole_headers());
  EXPECT_TRUE(reader.TakeHeaderLine("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(reader.TakeHeaderLine("Content-Le"));
  EXPECT_FALSE(reader.has_whole_headers());
  EXPECT_TRUE(reader.TakeHeaderLine("\r\n"));
  EXPECT_TRUE(reader.has_whole_headers());
  reader.StartOver();
  EXPECT_FALSE(reader.has_whole_headers());
}

TEST(AnswerReaderTest, TakesABodyOfTheLimitAndNoByteMore) {
  const auto limits = LimitsOf(4, 1000);
  AnswerReader reader(limits);
  EXPECT_TRUE(reader.TakeBody("ab"));
  EXPECT_TRUE(reader.TakeBody("cd"));
  EXPECT_FALSE(reader.is_too_large());
  EXPECT_FALSE(reader.TakeBody("e"));
  EXPECT_TRUE(reader.is_too_large());
}

TEST(AnswerReaderTest, TakesALongerBodyWhereThatIsAllowedForOneAnswer) {
  const auto limits = LimitsOf(4, 1000);
  AnswerReader reader(limits);
  reader.StartOver(6);
  EXPECT_TRUE(reader.TakeBody("abcdef"));
  EXPECT_FALSE(reader.TakeBody("g"));
  reader.StartOver(2);
  EXPECT_TRUE(reader.TakeBody("abcd"));
  EXPECT_FALSE(reader.TakeBody("e"));
}

TEST(AnswerReaderTest, TakesHeadersOfTheLimitAndNoByteMore) {
  const auto limits = LimitsOf(4, 10);
  AnswerReader reader(limits);
  EXPECT_TRUE(reader.TakeHeaderLine("HTTP/1.1 \r"));
  EXPECT_FALSE(reader.is_too_large());
  EXPECT_FALSE(reader.TakeHeaderLine("a"));
  EXPECT_TRUE(reader.is_too_large());
}

TEST(AnswerReaderTest, StartsOverWithNothingLeft) {
  const auto limits = LimitsOf(2, 20);
  AnswerReader reader(limits);
  EXPECT_TRUE(reader.TakeHeaderLine("HTTP/1.1 200\r\n"));
  EXPECT_TRUE(reader.TakeBody("ab"));
  EXPECT_FALSE(reader.TakeBody("c"));
  reader.StartOver();
  EXPECT_FALSE(reader.is_too_large());
  EXPECT_TRUE(reader.TakeHeaderLine("HTTP/1.1 200\r\n"));
  EXPECT_TRUE(reader.TakeBody("de"));
  EXPECT_EQ(reader.Finish(200).body, "de");
}

}  // namespace
}  // namespace gateway
