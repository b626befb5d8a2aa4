// Who is let in by a certificate, and for how long; and what a change of the files does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/gateway/access/access_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr auto kBound = 30s;

// An attempt to connect that the gateway refuses: nothing reaches it as a call.
constexpr auto kRefusedWithin = 3s;

std::string Reason(const Answered& answered) { return ReasonOf(answered.status); }

// Asks again and again; false if `holds` never does.
bool Becomes(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + kBound;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(MutualTlsTest, ServesACallerThatItsAuthorityVouchesFor) {
  const MutualTlsFixture fixture;
  const Answered answered = fixture.CallerWith(CallerContent()).Add();
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_THAT(fixture.gateway.WaitForLogLine("\"message\":\"call\""),
              HasSubstr(std::string("\"caller\":\"") + kOnboarding + "\""));
}

TEST(MutualTlsTest, KnowsACallerWithoutASpiffeIdByItsOneDnsName) {
  const MutualTlsFixture fixture;
  EXPECT_TRUE(fixture.CallerWith(CallerContent({Dns("app.bank.example")})).Add().status.ok());
  EXPECT_THAT(fixture.gateway.WaitForLogLine("\"message\":\"call\""),
              HasSubstr("\"caller\":\"app.bank.example\""));
}

struct RefusedCaller {
  std::string name;
  CertificateContent content;
};

class RefusedCallerTest : public testing::TestWithParam<RefusedCaller> {};

TEST_P(RefusedCallerTest, DoesNotGetIn) {
  const MutualTlsFixture fixture({"--tls_trust_domain=bank.example"});
  const Answered answered = fixture.CallerWith(GetParam().content).Add(ARequest(), kRefusedWithin);
  EXPECT_FALSE(answered.status.ok());
  EXPECT_EQ(fixture.passfort.requests().size(), 0);
  // The gateway is well: another one gets in.
  EXPECT_TRUE(fixture.CallerWith(CallerContent()).Add().status.ok());
}

std::vector<RefusedCaller> RefusedCallers() {
  CertificateContent expired = CallerContent();
  expired.not_before = absl::Now() - absl::Hours(2);
  expired.not_after = absl::Now() - absl::Hours(1);
  CertificateContent for_servers = CallerContent();
  for_servers.extended_key_usage = "serverAuth";
  CertificateContent named = CallerContent({});
  named.common_name = kOnboarding;
  return {{"Expired", expired},
          {"ForServersOnly", for_servers},
          {"TwoSpiffeIds", CallerContent({Uri(kOnboarding), Uri("spiffe://bank.example/other")})},
          {"TwoDnsNames", CallerContent({Dns("a.example"), Dns("b.example")})},
          {"CommonNameOnly", named},
          {"Wildcard", CallerContent({Dns("*.bank.example")})},
          {"ForeignTrustDomain", CallerContent({Uri("spiffe://other.example/ns/a/sa/b")})},
          {"NoSpiffeId", CallerContent({Uri("https://bank.example/app")})}};
}

INSTANTIATE_TEST_SUITE_P(, RefusedCallerTest, testing::ValuesIn(RefusedCallers()),
                         [](const auto& test) { return test.param.name; });

TEST(MutualTlsTest, RefusesACallerOfAnotherAuthority) {
  const MutualTlsFixture fixture;
  const TestAuthority other;
  EXPECT_FALSE(fixture.CallerWith(other.IssueFor(CallerContent()))
                   .Add(ARequest(), kRefusedWithin)
                   .status.ok());
}

TEST(MutualTlsTest, RefusesACallerWithoutACertificate) {
  const MutualTlsFixture fixture;
  EXPECT_FALSE(fixture.CallerWith(TlsIdentity{}).Add(ARequest(), kRefusedWithin).status.ok());
  const GatewayCaller plain(fixture.gateway.target());
  EXPECT_FALSE(plain.Add(ARequest(), kRefusedWithin).status.ok());
}

TEST(MutualTlsTest, AsksNobodyForACertificateWithoutAuthorities) {
  const TestAuthority authority;
  const TlsIdentity server = authority.Issue({"127.0.0.1"});
  const MountedFiles files({{"tls.crt", server.certificate_pem}, {"tls.key", server.key_pem}});
  const FakePassfort passfort;
  const GatewayProcess gateway({.api_url = passfort.url(),
                                .flags = {"--tls_cert_file=" + files.File("tls.crt"),
                                          "--tls_key_file=" + files.File("tls.key")}});
  const GatewayCaller caller(gateway.target(),
                             grpc::SslCredentials({.pem_root_certs = authority.certificate_pem()}));
  EXPECT_TRUE(caller.Add().status.ok());
  EXPECT_THAT(gateway.WaitForLogLine("\"message\":\"call\""), HasSubstr("\"caller\":\"local\""));
}

TEST(MutualTlsTest, RefusesTheNextCallOfAConnectionWhoseCertificateHasExpired) {
  const MutualTlsFixture fixture;
  CertificateContent brief = CallerContent();
  brief.not_after = absl::Now() + absl::Seconds(3);
  const GatewayCaller caller = fixture.CallerWith(brief);
  ASSERT_TRUE(caller.Add().status.ok());
  ASSERT_TRUE(Becomes([&] { return Reason(caller.Add()) == "CALLER_CERTIFICATE_EXPIRED"; }));
  EXPECT_GE(absl::Now(), brief.not_after - absl::Seconds(1));
  const Answered refused = caller.Add();
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(refused.error(), IsWellFormedError());
}

TEST(MutualTlsTest, RefusesTheNextCallOfAConnectionWhoseAuthorityWasRemoved) {
  MutualTlsFixture fixture;
  const TestAuthority another;
  const GatewayCaller caller = fixture.CallerWith(CallerContent());
  ASSERT_TRUE(caller.Add().status.ok());
  auto set = fixture.GoodSet();
  set["ca.crt"] = another.certificate_pem();
  fixture.certificates.Change(set);
  EXPECT_TRUE(Becomes([&] { return Reason(caller.Add()) == "CALLER_CERTIFICATE_EXPIRED"; }));
}

struct BadSet {
  std::string name;
  std::function<void(MountedFiles::Contents&)> spoil;
};

class BadSetTest : public testing::TestWithParam<BadSet> {};

TEST_P(BadSetTest, ChangesNothingButALogLine) {
  MutualTlsFixture fixture;
  const GatewayCaller before = fixture.CallerWith(CallerContent());
  ASSERT_TRUE(before.Add().status.ok());
  auto set = fixture.GoodSet();
  GetParam().spoil(set);
  fixture.certificates.Change(set);
  fixture.gateway.WaitForLogLine("\"level\":\"error\"");
  EXPECT_TRUE(before.Add().status.ok());
  EXPECT_TRUE(fixture.CallerWith(CallerContent()).Add().status.ok());
  EXPECT_EQ(fixture.gateway.Counter("passfort_gateway_tls_refused_sets_total", {}), 1);
}

const BadSet kBadSets[] = {
    {"EmptyCertificate", [](auto& set) { set["tls.crt"] = ""; }},
    {"GarbageCertificate", [](auto& set) { set["tls.crt"] = "garbage"; }},
    {"TruncatedCertificate", [](auto& set) { set["tls.crt"].resize(set["tls.crt"].size() / 2); }},
    {"KeyOfAnother",
     [](auto& set) { set["tls.key"] = TestAuthority().Issue({"127.0.0.1"}).key_pem; }},
    {"MissingCertificate", [](auto& set) { set.erase("tls.crt"); }},
    {"GarbageAuthority", [](auto& set) { set["ca.crt"] = "garbage"; }},
    {"EmptyAuthority", [](auto& set) { set["ca.crt"] = ""; }},
    {"MissingAuthority", [](auto& set) { set.erase("ca.crt"); }},
};

INSTANTIATE_TEST_SUITE_P(, BadSetTest, testing::ValuesIn(kBadSets),
                         [](const auto& test) { return test.param.name; });

TEST(MutualTlsTest, ARequestIdBelongsToTheCallerThatUsedItFirst) {
  const MutualTlsFixture fixture({"--store=sqlite::memory:"});
  pb::AddProductApplicationRequest request = ARequest();
  request.set_request_id("11111111-1111-4111-8111-111111111111");
  ASSERT_TRUE(fixture.CallerWith(CallerContent()).Add(request).status.ok());
  const GatewayCaller other =
      fixture.CallerWith(CallerContent({Uri("spiffe://bank.example/ns/other/sa/app")}));
  EXPECT_EQ(Reason(other.Add(request)), "REQUEST_ID_REUSED");
  EXPECT_TRUE(fixture.CallerWith(CallerContent()).Add(request).status.ok());
}

TEST(MutualTlsTest, ServesHealthAloneInPlainText) {
  const MutualTlsFixture fixture({"--health_listen=127.0.0.1:0"});
  const auto serving =
      nlohmann::json::parse(fixture.gateway.WaitForLogLine("\"message\":\"serving\""));
  const GatewayCaller probe(serving.at("health_listen").get<std::string>());
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("passfort.gateway.v1.ProductApplicationService");
  grpc::health::v1::HealthCheckResponse response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallBound);
  const auto stub = grpc::health::v1::Health::NewStub(probe.channel());
  ASSERT_TRUE(stub->Check(&context, request, &response).ok());
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  EXPECT_EQ(probe.Add().status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(fixture.passfort.requests().size(), 0);
}

}  // namespace
}  // namespace gateway
