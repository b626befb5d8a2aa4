#include "service/http/curl_resolve_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gateway {
namespace {

const Origin kOrigin{.host = "api.example.test", .port = 443};

HostAddresses Addresses(std::vector<std::string> addresses) {
  return std::make_shared<const std::vector<std::string>>(std::move(addresses));
}

TEST(CurlResolveCacheTest, WritesAnEntryForLibcurlsCache) {
  CurlResolveCache feed;
  const auto news = feed.PendingEntries(kOrigin, Addresses({"192.0.2.1", "2001:db8::1"}), 0);
  ASSERT_NE(news, nullptr);
  EXPECT_STREQ(news->data, "api.example.test:443:192.0.2.1,[2001:db8::1]");
  EXPECT_EQ(news->next, nullptr);
}

TEST(CurlResolveCacheTest, RepeatsTheNewsUntilATransferHasTakenThem) {
  CurlResolveCache feed;
  const auto addresses = Addresses({"192.0.2.1"});
  EXPECT_NE(feed.PendingEntries(kOrigin, addresses, 0), nullptr);
  EXPECT_NE(feed.PendingEntries(kOrigin, addresses, 0), nullptr);
  feed.MarkApplied(kOrigin, addresses, 0);
  EXPECT_EQ(feed.PendingEntries(kOrigin, addresses, 0), nullptr);
}

TEST(CurlResolveCacheTest, HasNewsForOtherAddressesAnotherPortAndAnotherCache) {
  CurlResolveCache feed;
  const auto addresses = Addresses({"192.0.2.1"});
  feed.MarkApplied(kOrigin, addresses, 0);
  EXPECT_NE(feed.PendingEntries(kOrigin, Addresses({"192.0.2.2"}), 0), nullptr);
  EXPECT_NE(feed.PendingEntries({.host = kOrigin.host, .port = 80}, addresses, 0), nullptr);
  EXPECT_NE(feed.PendingEntries(kOrigin, addresses, 1), nullptr);
}

TEST(CurlResolveCacheTest, ATransferOfAnOlderCacheTellsNothingAboutTheNewOne) {
  CurlResolveCache feed;
  const auto addresses = Addresses({"192.0.2.1"});
  feed.MarkApplied({.host = "other.example.test", .port = 443}, addresses, 1);
  feed.MarkApplied(kOrigin, addresses, 0);
  EXPECT_NE(feed.PendingEntries(kOrigin, addresses, 1), nullptr);
}

TEST(CurlResolveCacheTest, HasNothingToSayAboutAnAddress) {
  CurlResolveCache feed;
  EXPECT_EQ(feed.PendingEntries({.host = "192.0.2.1", .port = 80, .is_address = true}, nullptr, 0),
            nullptr);
}

}  // namespace
}  // namespace gateway
