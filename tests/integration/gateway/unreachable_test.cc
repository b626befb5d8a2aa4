// Passfort cannot be reached: operator and caller learn why, in words of the gateway's own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/fake_passfort/fake_passfort.h"
#include "tests/integration/gateway/nginx.h"
#include "tests/support/black_hole.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kBegins[] = "Passfort cannot be reached: nothing is sent";
constexpr char kEnds[] = "Passfort can be reached again";
constexpr char kKey[] = "key-canary-77c1";
constexpr char kSaidByPeer[] = "canary-of-the-peer";

std::string CauseOf(const grpc::Status& status) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  const auto found = info.metadata().find("cause");
  return found == info.metadata().end() ? "" : found->second;
}

size_t Count(const GatewayProcess& gateway, std::string_view message) {
  size_t count = 0;
  for (const std::string& line : gateway.LogLines()) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.value("message", "") == message) ++count;
  }
  return count;
}

// Calls until the circuit is open and beyond: caller and operator are told the same cause all the
// time, the operator once.
void ExpectTold(const std::string& api_url, std::vector<std::string> flags,
                const std::string& cause, const std::string& words) {
  flags.insert(flags.end(), {"--max_deadline=1s", "--default_deadline=1s"});
  const GatewayProcess gateway({.api_url = api_url, .api_key = kKey, .flags = flags});
  const GatewayCaller caller(gateway.target());
  for (int i = 0; i < 8; ++i) {
    const Answered answered = caller.Add();
    EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(ReasonOf(answered.status), "PASSFORT_UNREACHABLE");
    EXPECT_EQ(CauseOf(answered.status), cause);
    EXPECT_THAT(answered.status.error_message(), HasSubstr(words));
    EXPECT_THAT(answered.error(), IsWellFormedError());
  }
  gateway.WaitForLogLine("circuit opened");
  EXPECT_THAT(gateway.WaitForLogLine(kBegins), HasSubstr(words));
  EXPECT_THAT(gateway.WaitForLogLine("circuit opened"), HasSubstr("\"" + cause + "\""));
  EXPECT_THAT(gateway.WaitForLogLine("no response from Passfort"), HasSubstr(words));
  EXPECT_EQ(Count(gateway, kBegins), 1u);
  const std::string log = gateway.LogText();
  EXPECT_THAT(log, Not(HasSubstr(kKey)));
  EXPECT_THAT(log, Not(HasSubstr(kSaidByPeer)));
}

struct BadCertificate {
  std::string name;
  std::string cause;
  std::string words;

  friend void PrintTo(const BadCertificate& shown, std::ostream* out) { *out << shown.name; }
};

class BadCertificateTest : public ::testing::TestWithParam<BadCertificate> {
 protected:
  TlsIdentity Identity() const {
    const AlternativeName here{AlternativeName::Kind::kIp, "127.0.0.1"};
    const std::string& name = GetParam().name;
    if (name == "Expired") {
      return authority_.IssueFor({.names = {here},
                                  .not_before = absl::Now() - absl::Hours(48),
                                  .not_after = absl::Now() - absl::Hours(24)});
    }
    if (name == "WrongName") return authority_.Issue({"api.example.test"});
    if (name == "UnknownAuthority") return TestAuthority().Issue({"127.0.0.1"});
    CertificateContent content = AuthorityContent(kSaidByPeer);
    content.names = {here};
    content.key_usage = "critical,digitalSignature,keyCertSign";
    const TestAuthority itself(content);
    return {.certificate_pem = itself.certificate_pem(), .key_pem = itself.key_pem()};
  }

  const TestAuthority authority_;
  const TemporaryFile ca_file_{authority_.certificate_pem()};
};

TEST_P(BadCertificateTest, HasWordsOfItsOwn) {
  const Nginx nginx("return 200;", {.identity = Identity()});
  ExpectTold(nginx.url(), {"--api_ca_file=" + ca_file_.path()}, GetParam().cause, GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    Certificates, BadCertificateTest,
    ::testing::Values(
        BadCertificate{"Expired", "certificate_expired", "Passfort's certificate has expired"},
        BadCertificate{"WrongName", "certificate_wrong_name",
                       "Passfort's certificate is for another host than the one in api_url"},
        BadCertificate{"UnknownAuthority", "certificate_unknown_authority",
                       "is of an authority that the gateway does not trust"},
        BadCertificate{"SelfSigned", "certificate_self_signed",
                       "Passfort's certificate is self-signed"}),
    [](const auto& info) { return info.param.name; });

struct BadProxy {
  int status;
  std::string cause;
  std::string words;

  friend void PrintTo(const BadProxy& shown, std::ostream* out) { *out << shown.status; }
};

class BadProxyTest : public ::testing::TestWithParam<BadProxy> {};

TEST_P(BadProxyTest, HasWordsOfItsOwn) {
  RawHttpServer proxy([](RawConnection& connection) {
    while (connection.ReadRequest()) connection.Answer(GetParam().status, kSaidByPeer);
  });
  ExpectTold("https://192.0.2.1/4.0", {"--api_proxy=" + proxy.Url()}, GetParam().cause,
             GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    Proxies, BadProxyTest,
    ::testing::Values(BadProxy{407, "proxy_authentication_required", "HTTP 407"},
                      BadProxy{403, "proxy_forbidden", "does not allow a tunnel"},
                      BadProxy{503, "proxy_unavailable", "the proxy is unavailable"}),
    [](const auto& info) { return std::to_string(info.param.status); });

// nginx does not know CONNECT.
TEST(ProxyTest, OneThatIsNoneRefusesInItsOwnWay) {
  const Nginx nginx("return 200;");
  ExpectTold("https://192.0.2.1/4.0", {"--api_proxy=" + nginx.origin()}, "proxy_refused",
             "the proxy refused a tunnel to Passfort");
}

TEST(ProxyTest, OneThatIsNotThereIsNamed) {
  const RefusingPort nobody;
  ExpectTold("https://192.0.2.1/4.0",
             {"--api_proxy=http://127.0.0.1:" + std::to_string(nobody.port())},
             "proxy_connection_refused", "the proxy's host refused the connection");
}

TEST(ApiUrlTest, AClosedPortIsNamed) {
  const RefusingPort nobody;
  ExpectTold("http://127.0.0.1:" + std::to_string(nobody.port()) + "/4.0", {}, "connection_refused",
             "Passfort's host refused the connection");
}

TEST(ApiUrlTest, APortThatSpeaksNoTlsIsNamed) {
  const Nginx nginx("return 200;");
  std::string url = nginx.url();
  url.replace(0, 4, "https");
  ExpectTold(url, {}, "tls_failed", "the port may not be one for https");
}

// Too long a label for DNS, so nobody is asked. It depends on the C library whether that is called
// no such name.
TEST(ApiUrlTest, ANameThatDoesNotResolveIsNamed) {
  const GatewayProcess gateway({.api_url = "https://" + std::string(64, 'x') + ".invalid/4.0"});
  const GatewayCaller caller(gateway.target());
  for (int i = 0; i < 8; ++i) {
    const Answered answered = caller.Add(ARequest());
    EXPECT_EQ(ReasonOf(answered.status), "PASSFORT_UNREACHABLE");
    EXPECT_THAT(answered.status.error_message(), HasSubstr("the host in api_url"));
    EXPECT_THAT(CauseOf(answered.status), ::testing::AnyOf("host_not_found", "host_lookup_failed"));
  }
  EXPECT_THAT(gateway.WaitForLogLine(kBegins), HasSubstr("the host in api_url"));
}

TEST(UnreachableTest, TheEndIsToldOnce) {
  FakePassfort passfort;
  const GatewayProcess gateway({.api_url = passfort.url(), .api_key = kKey});
  const GatewayCaller caller(gateway.target());
  passfort.GoAway();
  EXPECT_EQ(ReasonOf(caller.Add().status), "PASSFORT_UNREACHABLE");
  gateway.WaitForLogLine(kBegins);
  passfort.ComeBack();
  EXPECT_THAT(gateway.WaitForLogLine(kEnds), HasSubstr("\"cause\":\"connection_refused\""));
  EXPECT_EQ(Count(gateway, kEnds), 1u);
  EXPECT_THAT(gateway.LogText(), Not(HasSubstr(kKey)));
}

}  // namespace
}  // namespace gateway
