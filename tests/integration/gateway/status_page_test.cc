// The page that the gateway shows of itself, and what of it changes when something fails.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tests/integration/gateway/at_most_once_fixture.h"
#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_fixture.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The item of a report of which the last one is waited for: "bad: value", or the value alone.
std::string ItemOf(const GatewayProcess& gateway, std::string_view title, std::string_view name) {
  const json report = json::parse(gateway.FreshStatus());
  for (const json& section : report.at("sections")) {
    if (section.at("title") != title) continue;
    for (const json& item : section.at("items")) {
      if (item.at("name") != name) continue;
      const std::string value = item.at("value");
      return item.contains("level") ? item.at("level").get<std::string>() + ": " + value : value;
    }
  }
  return "none";
}

pb::AddProductApplicationRequest ARequestFor(int number) {
  auto request = ARequest();
  request.set_profile_id("a2c4393a-e219-67a4-5ab4-" + std::to_string(100'000'000'000 + number));
  return request;
}

TEST(StatusPageTest, ShowsAHealthyGateway) {
  const GatewayFixture fixture({"--store=sqlite::memory:"});
  ASSERT_TRUE(fixture.caller.Add().status.ok());
  EXPECT_EQ(ItemOf(fixture.gateway, "Store", "state"), "good: available");
  const std::string page = fixture.gateway.Page("/");
  EXPECT_THAT(
      page, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                  HasSubstr("\r\nContent-Type: text/html; charset=utf-8\r\n"),
                  HasSubstr(">good</strong> closed: calls are sent<"),
                  HasSubstr("<dt>api_key</dt><dd>set</dd>"), HasSubstr("<dt>calls in flight</dt>"),
                  HasSubstr("0 of 5000"), HasSubstr("1 open, 1 opened since the start")));
  EXPECT_THAT(fixture.gateway.Page("/healthz"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), testing::EndsWith("\r\n\r\nSERVING\n")));
  EXPECT_THAT(fixture.gateway.Page("/elsewhere"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
}

TEST(StatusPageTest, ShowsThatTheCircuitIsOpenAndWhyAndTheWarning) {
  GatewayFixture fixture;
  fixture.passfort.Script({.times = Fault::kAlways,
                           .carry_out = Fault::CarryOut::kNever,
                           .answer = {.status = 503, .body = HtmlPage(500)}});
  for (int i = 0; fixture.gateway.Counter("passfort_circuit_open", {}) == 0; ++i) {
    ASSERT_LT(i, 100);
    fixture.caller.Add(ARequestFor(i));
  }
  EXPECT_EQ(ItemOf(fixture.gateway, "Passfort", "circuit"), "bad: open: calls are refused");
  EXPECT_THAT(ItemOf(fixture.gateway, "Passfort", "circuit opened last"),
              HasSubstr("because Passfort, or a proxy in front of it, reports internal errors"));
  EXPECT_THAT(ItemOf(fixture.gateway, "Last warnings and errors of the log",
                     "circuit opened: Passfort is failing"),
              StartsWith("warning, once, "));
}

TEST(StatusPageTest, ShowsThatTheKeysFileIsGoneAlsoWithoutACall) {
  const TemporaryFolder folder;
  const std::string path = folder.File("api-key");
  std::ofstream(path) << "test-key";
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  const FakePassfort passfort;
  const GatewayProcess gateway(
      {.api_url = passfort.url(), .api_key = "", .flags = {"--api_key_file=" + path}});
  EXPECT_EQ(ItemOf(gateway, "API key", "file"), "good: used as it is");
  EXPECT_EQ(gateway.Counter("passfort_gateway_api_key_file_failing", {}), 0);

  std::filesystem::remove(path);
  gateway.WaitForLogLine("API key file unusable");
  EXPECT_THAT(ItemOf(gateway, "API key", "file"),
              AllOf(StartsWith("bad: not used as it is now: "), HasSubstr("No such file")));
  EXPECT_EQ(gateway.Counter("passfort_gateway_api_key_file_failing", {}), 1);
}

TEST(StatusPageTest, ShowsThatTheStoreFailsAndWhy) {
  const TemporaryFolder folder;
  const FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "sqlite:" + folder.File("records.db"));
  ASSERT_TRUE(gateway.caller.Add(ARequestWithId("order-1")).status.ok());
  std::filesystem::rename(folder.File("records.db"), folder.File("moved.db"));
  EXPECT_EQ(ReasonOf(gateway.caller.Add(ARequestWithId("order-2")).status), "STORE_UNAVAILABLE");
  EXPECT_THAT(ItemOf(gateway.process, "Store", "state"), StartsWith("bad: fails"));
  EXPECT_NE(ItemOf(gateway.process, "Store", "why"), "none");
  EXPECT_EQ(gateway.process.Counter("passfort_gateway_store_failing", {}), 1);

  std::filesystem::rename(folder.File("moved.db"), folder.File("records.db"));
  EXPECT_TRUE(gateway.caller.Add(ARequestWithId("order-2")).status.ok());
  EXPECT_EQ(ItemOf(gateway.process, "Store", "state"), "good: available");
}

TEST(StatusPageTest, IsNotHealthyWhileTheGatewayDrainsAndStillShowsThePage) {
  GatewayFixture fixture;
  fixture.passfort.Script({.send = Fault::Send::kNothing, .then = Fault::Then::kHang});
  ManyCalls calls;
  calls.Start(fixture.caller, ARequest());
  while (fixture.gateway.Counter("passfort_gateway_calls_in_flight", {}) == 0) {
  }
  EXPECT_EQ(fixture.gateway.Counter("passfort_gateway_max_calls_in_flight", {}), 5000);
  fixture.gateway.Signal(SIGTERM);
  fixture.gateway.WaitForLogLine("\"message\":\"draining\"");
  std::string health = fixture.gateway.Page("/healthz");
  while (!health.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) {
    health = fixture.gateway.Page("/healthz");
  }
  EXPECT_THAT(health, testing::EndsWith("\r\n\r\nNOT_SERVING\n"));
  EXPECT_EQ(ItemOf(fixture.gateway, "Load", "calls in flight"), "good: 1 of 5000");
  fixture.passfort.GoAway();
  calls.ForEach([](const Answered& answered) { EXPECT_FALSE(answered.status.ok()); });
}

}  // namespace
}  // namespace gateway
