#include "service/http/address_feed.h"

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

TEST(AddressFeedTest, WritesAnEntryForLibcurlsCache) {
  AddressFeed feed;
  const auto news = feed.NewsFor(kOrigin, Addresses({"192.0.2.1", "2001:db8::1"}), 0);
  ASSERT_NE(news, nullptr);
  EXPECT_STREQ(news->data, "api.example.test:443:192.0.2.1,[2001:db8::1]");
  EXPECT_EQ(news->next, nullptr);
}

TEST(AddressFeedTest, RepeatsTheNewsUntilATransferHasTakenThem) {
  AddressFeed feed;
  const auto addresses = Addresses({"192.0.2.1"});
  EXPECT_NE(feed.NewsFor(kOrigin, addresses, 0), nullptr);
  EXPECT_NE(feed.NewsFor(kOrigin, addresses, 0), nullptr);
  feed.OnTaken(kOrigin, addresses, 0);
  EXPECT_EQ(feed.NewsFor(kOrigin, addresses, 0), nullptr);
}

TEST(AddressFeedTest, HasNewsForOtherAddressesAnotherPortAndAnotherCache) {
  AddressFeed feed;
  const auto addresses = Addresses({"192.0.2.1"});
  feed.OnTaken(kOrigin, addresses, 0);
  EXPECT_NE(feed.NewsFor(kOrigin, Addresses({"192.0.2.2"}), 0), nullptr);
  EXPECT_NE(feed.NewsFor({.host = kOrigin.host, .port = 80}, addresses, 0), nullptr);
  EXPECT_NE(feed.NewsFor(kOrigin, addresses, 1), nullptr);
}

TEST(AddressFeedTest, ATransferOfAnOlderCacheTellsNothingAboutTheNewOne) {
  AddressFeed feed;
  const auto addresses = Addresses({"192.0.2.1"});
  feed.OnTaken({.host = "other.example.test", .port = 443}, addresses, 1);
  feed.OnTaken(kOrigin, addresses, 0);
  EXPECT_NE(feed.NewsFor(kOrigin, addresses, 1), nullptr);
}

TEST(AddressFeedTest, HasNothingToSayAboutAnAddress) {
  AddressFeed feed;
  EXPECT_EQ(feed.NewsFor({.host = "192.0.2.1", .port = 80, .is_address = true}, nullptr, 0),
            nullptr);
}

}  // namespace
}  // namespace gateway
