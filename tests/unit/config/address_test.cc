#include "service/config/address.h"

#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

struct ListenRow {
  const char* address;
  bool is_valid;
  bool is_loopback;
};

class ListenAddressTest : public testing::TestWithParam<ListenRow> {};

TEST_P(ListenAddressTest, IsJudged) {
  const ListenRow& row = GetParam();
  EXPECT_EQ(CheckListenAddress(row.address).ok(), row.is_valid) << row.address;
  if (row.is_valid) EXPECT_EQ(IsLoopbackAddress(row.address), row.is_loopback) << row.address;
}

INSTANTIATE_TEST_SUITE_P(
    All, ListenAddressTest,
    testing::Values(
        ListenRow{"127.0.0.1:0", true, true}, ListenRow{"127.255.0.9:65535", true, true},
        ListenRow{"[::1]:50051", true, true}, ListenRow{"LocalHost:1", true, true},
        ListenRow{"unix:/run/gateway.sock", true, true}, ListenRow{"0.0.0.0:50051", true, false},
        ListenRow{"[::]:50051", true, false}, ListenRow{"[::ffff:127.0.0.1]:1", true, false},
        ListenRow{"gateway.internal:50051", true, false},
        ListenRow{"127.0.0.1.example.com:1", true, false},
        ListenRow{"localhost.example.com:1", true, false}, ListenRow{"127.0.0.1", false, false},
        ListenRow{"127.0.0.1:", false, false}, ListenRow{"127.0.0.1:65536", false, false},
        ListenRow{":50051", false, false}, ListenRow{"127.0.0.1:-1", false, false},
        ListenRow{"127.0.0.1: 1", false, false}, ListenRow{"127.1:50051", false, false},
        ListenRow{"::1:50051", false, false}, ListenRow{"[::1]", false, false},
        ListenRow{"[::g]:1", false, false}, ListenRow{"a host:1", false, false},
        ListenRow{"unix:", false, false}, ListenRow{"unix:relative.sock", false, false},
        ListenRow{"", false, false}));

TEST(ListenAddressTest, IsNoUnixSocketForMetrics) {
  EXPECT_FALSE(CheckMetricsAddress("unix:/run/metrics.sock").ok());
  EXPECT_TRUE(CheckMetricsAddress("[::1]:0").ok());
  EXPECT_TRUE(CheckMetricsAddress("localhost:0").ok());
}

TEST(ListenAddressTest, RefusesAPathThatASocketAddressCannotHold) {
  EXPECT_TRUE(CheckListenAddress("unix:/" + std::string(106, 'a')).ok());
  EXPECT_FALSE(CheckListenAddress("unix:/" + std::string(107, 'a')).ok());
}

struct UrlRow {
  const char* url;
  const char* read;  // null: refused
};

class ApiUrlTest : public testing::TestWithParam<UrlRow> {};

TEST_P(ApiUrlTest, IsRead) {
  const absl::StatusOr<std::string> url = ReadApiUrl(GetParam().url);
  ASSERT_EQ(url.ok(), GetParam().read != nullptr) << GetParam().url;
  if (url.ok()) EXPECT_EQ(*url, GetParam().read);
}

INSTANTIATE_TEST_SUITE_P(
    All, ApiUrlTest,
    testing::Values(UrlRow{"https://api.passfort.com/4.0", "https://api.passfort.com/4.0"},
                    UrlRow{"https://api.passfort.com/4.0//", "https://api.passfort.com/4.0"},
                    UrlRow{"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
                    UrlRow{"http://[::1]:8080/", "http://[::1]:8080"},
                    UrlRow{"https://user:secret@api.example/4.0", nullptr},
                    UrlRow{"https://api.example/@/4.0", nullptr},
                    UrlRow{"https://api.example/4.0?apikey=x", nullptr},
                    UrlRow{"https://api.example/4.0#top", nullptr},
                    UrlRow{"ftp://api.example/", nullptr}, UrlRow{"api.example/4.0", nullptr},
                    UrlRow{"https://", nullptr}, UrlRow{"https:///4.0", nullptr},
                    UrlRow{"https://api.example:0/", nullptr},
                    UrlRow{"https://api.example:/", nullptr},
                    UrlRow{"https://api.example/4.0\r\nX: y", nullptr},
                    UrlRow{"https://0x7f.1/", nullptr}, UrlRow{"", nullptr}));

TEST(ApiUrlTest, KnowsPlainHttpAndLoopback) {
  EXPECT_TRUE(IsPlainHttp("http://api.example"));
  EXPECT_FALSE(IsPlainHttp("https://api.example"));
  EXPECT_TRUE(IsLoopbackUrl("http://127.0.0.1:1/4.0"));
  EXPECT_TRUE(IsLoopbackUrl("http://[::1]"));
  EXPECT_FALSE(IsLoopbackUrl("http://127.0.0.1.example.com"));
}

TEST(ProxyUrlTest, IsHostAndPortAndNothingElse) {
  EXPECT_EQ(*ReadProxyUrl("http://proxy.example:3128/"), "http://proxy.example:3128");
  EXPECT_FALSE(ReadProxyUrl("http://proxy.example").ok());
  EXPECT_FALSE(ReadProxyUrl("http://proxy.example:3128/path").ok());
  EXPECT_FALSE(ReadProxyUrl("http://user:secret@proxy.example:3128").ok());
  EXPECT_FALSE(ReadProxyUrl("socks5://proxy.example:1080").ok());
}

}  // namespace
}  // namespace gateway
