// The only way to a proxy is the option; the environment and a .netrc have no say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/http/http_test_client.h"
#include "tests/support/black_hole.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_file.h"

namespace gateway {
namespace {

using Kind = HttpFailure::Kind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// Sets an environment variable; to be made before any other thread runs.
class ScopedEnvironment {
 public:
  ScopedEnvironment(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* const before = getenv(name_.c_str())) before_ = before;
    setenv(name_.c_str(), value.c_str(), 1);
  }
  ~ScopedEnvironment() {
    if (before_.has_value()) {
      setenv(name_.c_str(), before_->c_str(), 1);
    } else {
      unsetenv(name_.c_str());
    }
  }

 private:
  const std::string name_;
  std::optional<std::string> before_;
};

// Knows every name as 127.0.0.1, and which ones it was asked for.
class RecordingLookUp {
 public:
  HostResolver::LookUp Function() {
    return [this](const std::string& host) {
      const std::lock_guard lock(mutex_);
      asked_.push_back(host);
      return std::vector<std::string>{"127.0.0.1"};
    };
  }
  std::vector<std::string> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> asked_;
};

TEST(EnvironmentTest, ProxyVariablesAreIgnored) {
  const RefusingPort nobody;
  const std::string proxy = "http://127.0.0.1:" + std::to_string(nobody.port());
  const ScopedEnvironment http("http_proxy", proxy);
  const ScopedEnvironment https("https_proxy", proxy);
  const ScopedEnvironment https_upper("HTTPS_PROXY", proxy);
  const ScopedEnvironment all("all_proxy", proxy);
  const ScopedEnvironment all_upper("ALL_PROXY", proxy);
  const TestAuthority authority;
  const TemporaryFile ca_file(authority.certificate_pem());
  RawHttpServer plain(AnswerAll("ok"));
  RawHttpServer tls(AnswerAll("ok"), authority.Issue({"127.0.0.1"}));
  HttpTestClient client({.ca_file = ca_file.path()});
  EXPECT_TRUE(IsAnswer(client.Post(plain.Url(), "x"), 200, "ok"));
  EXPECT_TRUE(IsAnswer(client.Post(tls.Url(), "x"), 200, "ok"));
}

TEST(EnvironmentTest, NoProxyVariablesDoNotLeadAroundTheProxy) {
  const ScopedEnvironment lower("no_proxy", "*");
  const ScopedEnvironment upper("NO_PROXY", "*");
  RawHttpServer proxy(AnswerAll("from the proxy"));
  HttpTestClient client({.proxy = proxy.Url()});
  EXPECT_TRUE(IsAnswer(client.Post("http://192.0.2.1/x", "x"), 200, "from the proxy"));
}

TEST(EnvironmentTest, ANetrcIsIgnored) {
  std::string home = "/tmp/gateway_test_XXXXXX";
  ASSERT_NE(mkdtemp(home.data()), nullptr);
  const std::string netrc = home + "/.netrc";
  std::ofstream(netrc) << "default login somebody password secret\n";
  chmod(netrc.c_str(), 0600);
  {
    const ScopedEnvironment variable("HOME", home);
    RawHttpServer server(AnswerAll("ok"));
    HttpTestClient client;
    EXPECT_TRUE(IsAnswer(client.Post(server.Url(), "x"), 200, "ok"));
    EXPECT_EQ(server.requests()[0].Header("authorization"), "");
  }
  unlink(netrc.c_str());
  rmdir(home.c_str());
}

TEST(ProxyTest, APlainRequestGoesThroughItAndOnlyItsNameIsLookedUp) {
  RecordingLookUp look_up;
  RawHttpServer proxy(AnswerAll("from the proxy"));
  HttpTestClient client({.proxy = proxy.Url("proxy.example.test"), .look_up = look_up.Function()});
  EXPECT_TRUE(IsAnswer(client.Post("http://api.example.test/x", "body"), 200, "from the proxy"));
  EXPECT_TRUE(IsAnswer(client.Post("http://api.example.test/x", "body"), 200, "from the proxy"));
  EXPECT_EQ(proxy.requests()[0].target, "http://api.example.test/x");
  EXPECT_EQ(proxy.Posts("body"), 2);
  EXPECT_EQ(proxy.connections(), 1);
  EXPECT_THAT(look_up.asked(), ElementsAre("proxy.example.test"));
}

TEST(ProxyTest, ATlsRequestGoesThroughATunnelWhoseHeadersAreNotTheAnswers) {
  RecordingLookUp look_up;
  const TestAuthority authority;
  const TemporaryFile ca_file(authority.certificate_pem());
  RawHttpServer proxy(
      [](RawConnection& connection) {
        if (!connection.ReadRequest()) return;
        connection.Write("HTTP/1.1 200 Connected\r\nX-Kept: tunnel\r\n\r\n");
        if (!connection.StartTls() || !connection.ReadRequest()) return;
        connection.Write("HTTP/1.1 201 Created\r\nX-Kept: answer\r\nContent-Length: 2\r\n\r\nok");
      },
      authority.Issue({"api.example.test"}), ConnectionServer::TlsStart::kByServe);
  HttpTestClient client({.ca_file = ca_file.path(),
                         .proxy = proxy.Url("proxy.example.test"),
                         .kept_response_headers = {"x-kept"},
                         .look_up = look_up.Function()});

  const HttpResult result = client.Post("https://api.example.test/x", "body");

  ASSERT_TRUE(IsAnswer(result, 201, "ok"));
  EXPECT_THAT(ResponseOf(result)->headers, ElementsAre(Pair("x-kept", "answer")));
  EXPECT_THAT(look_up.asked(), ElementsAre("proxy.example.test"));
  const auto requests = proxy.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].method + " " + requests[0].target, "CONNECT api.example.test:443");
  EXPECT_EQ(requests[0].Header("apikey"), "") << "the key is for the service behind the tunnel";
  EXPECT_EQ(requests[1].method + " " + requests[1].target, "POST /x");
}

TEST(ProxyTest, OneThatSpeaksTlsIsVerifiedAsAServerIs) {
  const TestAuthority authority;
  const TemporaryFile ca_file(authority.certificate_pem());
  RawHttpServer proxy(AnswerAll("from the proxy"), authority.Issue({"127.0.0.1"}));
  HttpTestClient trusting({.ca_file = ca_file.path(), .proxy = proxy.Url()});
  EXPECT_TRUE(IsAnswer(trusting.Post("http://192.0.2.1/x", "body"), 200, "from the proxy"));

  HttpTestClient unknowing({.proxy = proxy.Url()});
  const HttpResult refused = unknowing.Post("http://192.0.2.1/x", "secret");
  ASSERT_NE(FailureOf(refused), nullptr) << Describe(refused);
  EXPECT_FALSE(refused.may_have_sent_body) << Describe(refused);
  EXPECT_EQ(proxy.Posts("secret"), 0);
}

TEST(ProxyTest, ATunnelThatIsRefusedSendsNothing) {
  RawHttpServer proxy([](RawConnection& connection) {
    while (connection.ReadRequest()) connection.Answer(407, "who are you?");
  });
  HttpTestClient client({.proxy = proxy.Url()});
  EXPECT_TRUE(
      IsFailure(client.Post("https://192.0.2.1/x", "x"), Kind::kConnect, Body::kNotRequested));
  EXPECT_EQ(proxy.Posts("x"), 0);
}

TEST(ProxyTest, OneThatIsNotThereIsNotGoneAround) {
  const RefusingPort nobody;
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client({.proxy = "127.0.0.1:" + std::to_string(nobody.port())});
  EXPECT_TRUE(IsFailure(client.Post(server.Url(), "x"), Kind::kConnect, Body::kNotRequested));
  EXPECT_EQ(server.connections(), 0);
}

}  // namespace
}  // namespace gateway
