#include "service/http/origin.h"

#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

struct Case {
  std::string name;
  std::string text;
  Origin origin;
};

void PrintTo(const Case& test_case, std::ostream* out) { *out << test_case.text; }

class OriginOfUrlTest : public testing::TestWithParam<Case> {};

TEST_P(OriginOfUrlTest, IsReadFromTheUrl) {
  const auto origin = ParseOrigin(GetParam().text);
  ASSERT_TRUE(origin.ok()) << origin.status();
  EXPECT_EQ(*origin, GetParam().origin) << origin->host << " " << origin->port;
}

INSTANTIATE_TEST_SUITE_P(
    Urls, OriginOfUrlTest,
    testing::Values(
        Case{"HttpsDefaultPort", "https://api.example.test/4.0", {"api.example.test", 443}},
        Case{"HttpDefaultPort", "http://api.example.test", {"api.example.test", 80}},
        Case{"UpperCaseScheme", "HTTPS://api.example.test/", {"api.example.test", 443}},
        Case{"Port", "https://api.example.test:8443/x:1", {"api.example.test", 8443}},
        Case{"Query", "http://api.example.test?a=b:c@d", {"api.example.test", 80}},
        Case{"UserInfo", "http://user:secret@api.example.test/", {"api.example.test", 80}},
        Case{"Ipv4", "http://127.0.0.1:8080/", {"127.0.0.1", 8080, true}},
        Case{"Ipv6", "http://[::1]:8080/", {"::1", 8080, true}},
        Case{"Ipv6DefaultPort", "https://[2001:db8::1]/", {"2001:db8::1", 443, true}}),
    [](const auto& info) { return info.param.name; });

class OriginOfProxyTest : public testing::TestWithParam<Case> {};

TEST_P(OriginOfProxyTest, IsReadFromTheSetting) {
  const auto origin = OriginOfProxy(GetParam().text);
  ASSERT_TRUE(origin.ok()) << origin.status();
  EXPECT_EQ(*origin, GetParam().origin) << origin->host << " " << origin->port;
}

INSTANTIATE_TEST_SUITE_P(
    Proxies, OriginOfProxyTest,
    testing::Values(Case{"NoScheme", "proxy.example.test:3128", {"proxy.example.test", 3128}},
                    Case{"NoPort", "http://proxy.example.test", {"proxy.example.test", 1080}},
                    Case{"Https", "https://proxy.example.test", {"proxy.example.test", 443}},
                    Case{"Address", "10.0.0.1:3128", {"10.0.0.1", 3128, true}}),
    [](const auto& info) { return info.param.name; });

TEST(OriginTest, RefusesWhatIsNoHttpUrl) {
  for (const char* text : {"", "api.example.test", "ftp://api.example.test/", "https:///path",
                           "http://:80/", "http://a:0/", "http://a:65536/", "http://a:8x/",
                           "http://a:/", "http://[::1", "http://[::1]8/"}) {
    EXPECT_EQ(ParseOrigin(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(OriginOfProxy("socks5://proxy.example.test").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(OriginTest, AnErrorDoesNotRepeatTheUrl) {
  const auto origin = ParseOrigin("ftp://user:secret@api.example.test");
  EXPECT_EQ(std::string(origin.status().message()).find("secret"), std::string::npos);
}

}  // namespace
}  // namespace gateway
