// Passfort, or the proxy before it, ends idle connections when it likes: after a while, and all at
// once when its configuration changes. No call pays for that.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <ostream>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/integration/gateway/nginx.h"
#include "tests/integration/gateway/sample.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

enum class Way { kTls12, kTls13, kHttp2, kTlsProxy };

struct Case {
  std::string name;
  Way way;

  friend void PrintTo(const Case& shown, std::ostream* out) { *out << shown.name; }
};

// nginx before a server that counts: as Passfort, or as a proxy on the way to it.
class KeptConnectionTest : public testing::TestWithParam<Case> {
 protected:
  // The first requests, which wait for each other, so that each has a connection of its own.
  static constexpr int kTogether = 64;

  Nginx StartNginx(std::string settings = "") const {
    if (GetParam().way == Way::kTls12) settings += " ssl_protocols TLSv1.2;";
    return Nginx(absl::StrCat("proxy_pass ", passfort_.Url(), ";"),
                 {.identity = authority_.Issue({"127.0.0.1"}),
                  .settings = std::move(settings),
                  .listen = GetParam().way == Way::kHttp2 ? "http2" : ""});
  }

  GatewayProcess::Settings SettingsFor(const Nginx& nginx) const {
    GatewayProcess::Settings settings{.api_url = nginx.url(),
                                      .flags = {"--api_ca_file=" + ca_file_.path()}};
    if (GetParam().way == Way::kTlsProxy) {
      settings.api_url = passfort_.Url() + "/4.0";
      settings.flags.push_back("--api_proxy=" + nginx.origin());
      settings.flags.emplace_back("--allow_insecure_api_url=on");
    }
    if (GetParam().way == Way::kHttp2) settings.flags.emplace_back("--upstream_http2=on");
    return settings;
  }

  static void WaitUntilAllAreClosed(const Nginx& nginx) {
    const auto bound = std::chrono::steady_clock::now() + kProcessBound;
    while (nginx.OpenConnections() > 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), bound) << "nginx keeps idle connections";
      std::this_thread::yield();
    }
  }

  void CallTogether(const GatewayCaller& caller) {
    wait_for_each_other_ = true;
    ManyCalls calls;
    for (int i = 0; i < kTogether; ++i) calls.Start(caller);
    calls.ForEach([](const Answered& answered) {
      EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
    });
    wait_for_each_other_ = false;
  }

  size_t posts() const { return passfort_.requests().size(); }

 private:
  void Serve(RawConnection& connection) {
    while (connection.ReadRequest()) {
      if (wait_for_each_other_) all_are_there_.arrive_and_wait();
      connection.Answer(200, answer_);
    }
  }

  const std::string answer_ = GuideJson();
  std::atomic<bool> wait_for_each_other_ = false;
  std::latch all_are_there_{kTogether};
  const TestAuthority authority_;
  const TemporaryFile ca_file_{authority_.certificate_pem()};
  RawHttpServer passfort_{[this](RawConnection& connection) { Serve(connection); }};
};

TEST_P(KeptConnectionTest, CarriesCallAfterCall) {
  constexpr size_t kCalls = 20;
  const Nginx nginx = StartNginx();
  const GatewayProcess gateway(SettingsFor(nginx));
  const GatewayCaller caller(gateway.target());
  for (size_t i = 0; i < kCalls; ++i) ASSERT_TRUE(caller.Add().status.ok());
  EXPECT_TRUE(nginx.OneConnectionCarries(kCalls));
}

TEST_P(KeptConnectionTest, CostsNoCallWhenTheServerHasHadItForLongEnough) {
  constexpr size_t kCalls = 4;
  const Nginx nginx = StartNginx("keepalive_timeout 100ms;");
  const GatewayProcess gateway(SettingsFor(nginx));
  const GatewayCaller caller(gateway.target());
  for (size_t i = 0; i < kCalls; ++i) {
    const Answered answered = caller.Add();
    ASSERT_TRUE(answered.status.ok()) << answered.status.error_message();
    WaitUntilAllAreClosed(nginx);
  }
  EXPECT_EQ(posts(), kCalls);
}

TEST_P(KeptConnectionTest, CostsNoCallAndNoCircuitWhenTheServerReloads) {
  constexpr size_t kCalls = 20;
  const Nginx nginx = StartNginx();
  const GatewayProcess gateway(SettingsFor(nginx));
  const GatewayCaller caller(gateway.target());
  CallTogether(caller);
  EXPECT_EQ(nginx.OpenConnections(), GetParam().way == Way::kHttp2 ? 1 : kTogether);

  nginx.Reload();
  WaitUntilAllAreClosed(nginx);
  for (size_t i = 0; i < kCalls; ++i) {
    const Answered answered = caller.Add();
    EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  }
  EXPECT_EQ(posts(), kTogether + kCalls);
  EXPECT_EQ(gateway.Counter("passfort_circuit_open", {}), 0);
}

INSTANTIATE_TEST_SUITE_P(Ways, KeptConnectionTest,
                         testing::Values(Case{"Tls12", Way::kTls12}, Case{"Tls13", Way::kTls13},
                                         Case{"Http2", Way::kHttp2},
                                         Case{"TlsProxy", Way::kTlsProxy}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
