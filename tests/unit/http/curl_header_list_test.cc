#include "service/http/curl_header_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gateway {
namespace {

using testing::ElementsAre;

std::shared_ptr<const HttpHeaders> Headers(HttpHeaders headers) {
  return std::make_shared<const HttpHeaders>(std::move(headers));
}

std::vector<std::string> LinesOf(const CurlHeaderList& list) {
  std::vector<std::string> lines;
  for (const curl_slist* line = list.get(); line != nullptr; line = line->next) {
    lines.emplace_back(line->data);
  }
  return lines;
}

TEST(CurlHeaderListTest, HoldsTheHeadersInOrderAndNoExpectation) {
  CurlHeaderLists lists;
  const auto list = lists.ListFor(Headers({{"B", "2"}, {"A", "1"}, {"Empty", ""}}));
  EXPECT_THAT(LinesOf(list), ElementsAre("Expect:", "B: 2", "A: 1", "Empty;"));
}

TEST(CurlHeaderListTest, IsMadeOnceForAnObject) {
  CurlHeaderLists lists;
  const auto headers = Headers({{"A", "1"}});
  EXPECT_EQ(lists.ListFor(headers), lists.ListFor(headers));
  EXPECT_NE(lists.ListFor(headers), lists.ListFor(Headers({{"A", "1"}})));
}

TEST(CurlHeaderListTest, OutlivesItsPlaceAmongTheKept) {
  CurlHeaderLists lists;
  const auto first = lists.ListFor(Headers({{"A", "1"}}));
  for (int i = 0; i < 100; ++i) EXPECT_NE(lists.ListFor(Headers({{"B", "2"}})), nullptr);
  EXPECT_THAT(LinesOf(first), ElementsAre("Expect:", "A: 1"));
}

TEST(CurlHeaderListTest, RefusesWhatWouldBreakTheMessage) {
  CurlHeaderLists lists;
  EXPECT_EQ(lists.ListFor(Headers({{"A", "1\r\nB: 2"}})), nullptr);
  EXPECT_EQ(lists.ListFor(Headers({{"A\n", "1"}})), nullptr);
  EXPECT_EQ(lists.ListFor(Headers({{"A", std::string("1\0", 2)}})), nullptr);
  EXPECT_EQ(lists.ListFor(Headers({{"", "1"}})), nullptr);
}

TEST(CurlHeaderListTest, HeadersOfOneRequestGoBeforeTheSharedOnesWhichAreNotCopied) {
  CurlHeaderLists lists;
  auto shared = lists.ListFor(Headers({{"A", "1"}}));
  const curl_slist* const head = shared.get();
  const auto list = WithOwnHeaders({{"C", "3"}, {"Empty", ""}}, std::move(shared));
  EXPECT_THAT(LinesOf(list), ElementsAre("C: 3", "Empty;", "Expect:", "A: 1"));
  EXPECT_EQ(list.get()->next->next, head);
  EXPECT_EQ(WithOwnHeaders({}, list), list);
}

TEST(CurlHeaderListTest, IsNoneIfAHeaderOfOneRequestBreaksTheMessage) {
  CurlHeaderLists lists;
  const auto shared = lists.ListFor(Headers({{"A", "1"}}));
  for (const std::string value : {"1\r\nB: 2", "1\n", "\r"}) {
    EXPECT_EQ(WithOwnHeaders({{"C", value}}, shared), nullptr);
    EXPECT_EQ(WithOwnHeaders({{value, "3"}}, shared), nullptr);
  }
  EXPECT_EQ(WithOwnHeaders({{"C", "3"}}, nullptr), nullptr);
}

}  // namespace
}  // namespace gateway
