// Where the way to Passfort ends: nothing comes out, and who is in Passfort's place gets nothing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <future>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/gateway/secrecy/secrecy_fixture.h"
#include "tests/support/black_hole.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

// Who stands in Passfort's place, and how the gateway is sent there.
struct WrongWay {
  std::string api_url;
  std::vector<std::string> flags = {};
  std::unique_ptr<RawHttpServer> server = nullptr;
  std::shared_ptr<void> kept = nullptr;
};

struct WayPath {
  std::string name;
  std::function<WrongWay()> make;
  std::string detail;  // of the log line that tells that it was walked

  friend void PrintTo(const WayPath& shown, std::ostream* out) { *out << shown.name; }
};

RawHttpServer::Script AnswersRaw(std::string bytes) {
  return [bytes = std::move(bytes)](RawConnection& connection) {
    connection.ReadRequest();
    connection.Write(bytes);
    connection.WaitUntilClosedByClient();
  };
}

std::string WithLength(std::string head, const std::string& body) {
  return std::move(head) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// A server whose certificate `issuer` made for `name`; the gateway trusts another authority too.
WrongWay TlsServer(const TestAuthority& issuer, const TestAuthority& trusted, const char* name) {
  auto file = std::make_shared<TemporaryFile>(trusted.certificate_pem());
  WrongWay way = {
      .flags = {"--api_ca_file=" + file->path()},
      .server = std::make_unique<RawHttpServer>(AnswerAll(CanaryPage("Tls")), issuer.Issue({name})),
      .kept = file};
  way.api_url = way.server->Url();
  return way;
}

WrongWay Proxy(RawHttpServer::Script script) {
  WrongWay way = {.api_url = "https://api.example.test/4.0",
                  .server = std::make_unique<RawHttpServer>(std::move(script))};
  way.flags = {"--api_proxy=" + way.server->Url()};
  return way;
}

WrongWay WrongAuthority() { return TlsServer(TestAuthority(), TestAuthority(), "127.0.0.1"); }

WrongWay WrongName() {
  const TestAuthority authority;
  return TlsServer(authority, authority, "other.example");
}

WrongWay NoTls() {
  WrongWay way = {.server = std::make_unique<RawHttpServer>([](RawConnection& connection) {
                    connection.Write(CanaryPage("NoTls"));
                    connection.WaitUntilClosedByClient();
                  })};
  way.api_url = "https://127.0.0.1:" + std::to_string(way.server->port());
  return way;
}

WrongWay ProxyRefuses() {
  const std::string canary = PassfortCanary("Proxy");
  return Proxy(AnswersRaw(WithLength(
      "HTTP/1.1 407 " + canary + "\r\nProxy-Authenticate: Basic realm=\"" + canary + "\"\r\n",
      CanaryPage("Proxy"))));
}

WrongWay ProxyAnswersInPassfortsPlace() {
  return Proxy(AnswersRaw("HTTP/1.1 200 OK\r\n\r\n" + CanaryPage("Tunnel")));
}

WrongWay NobodyListens() {
  auto port = std::make_shared<RefusingPort>();
  return {.api_url = "http://127.0.0.1:" + std::to_string(port->port()), .kept = port};
}

WrongWay NobodyListensAtTheProxy() {
  auto port = std::make_shared<RefusingPort>();
  return {.api_url = "https://api.example.test/4.0",
          .flags = {"--api_proxy=http://127.0.0.1:" + std::to_string(port->port())},
          .kept = port};
}

WrongWay NobodyAnswers() {
  auto hole = std::make_shared<BlackHole>();
  return {.api_url = "http://127.0.0.1:" + std::to_string(hole->port()),
          .flags = {"--connect_timeout=100ms"},
          .kept = hole};
}

// Too long a label for DNS, so nobody is asked.
WrongWay NoSuchName() { return {.api_url = "https://" + std::string(64, 'x') + ".invalid/4.0"}; }

std::string HeadersOf(const RawHttpServer& server) {
  std::string text;
  for (const RawRequest& request : server.requests()) {
    text += request.method + " " + request.target + "\n";
    for (const auto& [name, value] : request.headers) text += name + ": " + value + "\n";
    text += request.body + "\n";
  }
  return text;
}

class WaysTest : public testing::TestWithParam<WayPath> {};

TEST_P(WaysTest, ThatEndShowNothingToAnybody) {
  const WrongWay way = GetParam().make();
  // Time enough for every machine to get as far as the way goes.
  std::vector<std::string> flags = {"--connect_timeout=30s", "--drain_timeout=10ms"};
  flags.insert(flags.end(), way.flags.begin(), way.flags.end());
  SecrecyFixture fixture({.flags = flags, .api_url = way.api_url});
  auto call = std::async(std::launch::async, [&fixture] { return fixture.Add(); });
  const std::string line = fixture.gateway.WaitForLogLine("no response from Passfort");
  EXPECT_THAT(line, testing::HasSubstr(GetParam().detail));
  EXPECT_THAT(Found(AllCanaries(), fixture.gateway.Metrics()), testing::IsEmpty());

  // It would try again for a while.
  fixture.gateway.Signal(SIGTERM);
  EXPECT_FALSE(call.get().status.ok());
  EXPECT_EQ(fixture.gateway.WaitForExit(), 0);
  EXPECT_THAT(Found(AllCanaries(), fixture.gateway.LogText()), testing::IsEmpty());
  if (way.server == nullptr) return;
  EXPECT_GT(way.server->connections(), 0);
  EXPECT_THAT(Found(AllCanaries(), HeadersOf(*way.server)), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Paths, WaysTest,
    testing::Values(
        WayPath{"WrongAuthority", WrongAuthority, "certificate_unknown_authority"},
        WayPath{"WrongName", WrongName, "certificate_wrong_name"},
        WayPath{"NoTls", NoTls, "tls_failed"},
        WayPath{"ProxyRefuses", ProxyRefuses, "proxy_authentication_required"},
        WayPath{"ProxyAnswersInPassfortsPlace", ProxyAnswersInPassfortsPlace, "tls_failed"},
        WayPath{"NobodyListens", NobodyListens, "connection_refused"},
        WayPath{"NobodyListensAtTheProxy", NobodyListensAtTheProxy, "proxy_connection_refused"},
        WayPath{"NobodyAnswers", NobodyAnswers, "connect_timeout"},
        WayPath{"NoSuchName", NoSuchName, "\"host_"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
