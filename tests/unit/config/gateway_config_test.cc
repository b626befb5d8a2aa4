#include "service/config/gateway_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/base/version.h"
#include "service/config/settings.h"

namespace gateway {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Words = std::vector<std::string_view>;

constexpr std::string_view kKeyVariable = "PASSFORT_GATEWAY_API_KEY=test-key";

absl::StatusOr<ParsedConfig> Parse(const Words& arguments, const Words& environment) {
  return ParseGatewayConfig(arguments, environment);
}

// With a key, so that only what the test is about can be wrong.
absl::StatusOr<ParsedConfig> ParseFlags(const Words& arguments) {
  return Parse(arguments, {kKeyVariable});
}

std::string ErrorOf(const absl::StatusOr<ParsedConfig>& parsed) {
  return parsed.ok() ? "no error" : std::string(parsed.status().message());
}

TEST(GatewayConfigTest, HasTheDefaultsOfTheDesign) {
  const auto parsed = ParseFlags({});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const GatewayConfig& config = parsed->config;
  EXPECT_EQ(parsed->action, ParsedConfig::Action::kServe);
  EXPECT_THAT(parsed->warnings, IsEmpty());
  EXPECT_EQ(config.listen, "127.0.0.1:50051");
  EXPECT_EQ(config.metrics_listen, "127.0.0.1:9464");
  EXPECT_EQ(config.health_listen, "");
  EXPECT_FALSE(config.allow_insecure_listen);
  EXPECT_EQ(config.tls_cert_file, "");
  EXPECT_EQ(config.tls_key_file, "");
  EXPECT_EQ(config.tls_client_ca_file, "");
  EXPECT_EQ(config.tls_trust_domain, "");
  EXPECT_EQ(config.authorization_policy_file, "");
  EXPECT_EQ(config.callers_file, "");
  EXPECT_EQ(config.api_url, "https://api.passfort.com/4.0");
  EXPECT_FALSE(config.allow_insecure_api_url);
  EXPECT_EQ(config.api_key, "test-key");
  EXPECT_EQ(config.api_key_file, "");
  EXPECT_EQ(config.api_ca_file, "");
  EXPECT_EQ(config.api_proxy, "");
  EXPECT_FALSE(config.upstream_http2);
  EXPECT_EQ(config.connect_timeout, milliseconds(3'000));
  EXPECT_EQ(config.attempt_timeout, milliseconds(65'000));
  EXPECT_EQ(config.idle_connection_timeout, milliseconds(20'000));
  EXPECT_EQ(config.default_deadline, milliseconds(65'000));
  EXPECT_EQ(config.max_deadline, milliseconds(150'000));
  EXPECT_EQ(config.drain_timeout, milliseconds(150'000));
  EXPECT_EQ(config.max_connection_age, milliseconds(1'800'000));
  EXPECT_EQ(config.store, "");
  EXPECT_EQ(config.settle_window, milliseconds(65'000));
  EXPECT_EQ(config.replay_window, milliseconds(86'400'000));
  EXPECT_EQ(config.lease_duration, milliseconds(10'000));
  EXPECT_EQ(config.store_max_records, 1'000'000);
  EXPECT_EQ(config.max_in_flight, 5000);
  EXPECT_EQ(config.max_connections, 1000);
  EXPECT_EQ(config.max_request_bytes, 65'536);
  EXPECT_EQ(config.max_response_bytes, 1'048'576);
  EXPECT_EQ(config.max_response_bytes_in_flight, 67'108'864);
  EXPECT_TRUE(config.circuit_breaker);
  EXPECT_FALSE(config.allow_insecure_store);
  EXPECT_FALSE(config.operations_service);
  EXPECT_FALSE(config.channelz);
  EXPECT_EQ(config.reflection, "auto");
  EXPECT_EQ(config.log_level, LogLevel::kInfo);
}

struct OtherValue {
  const char* text;
  bool (*is_set)(const GatewayConfig&);
};

// For every setting a value that is not its default, and whether it has arrived.
const std::map<std::string_view, OtherValue>& OtherValues() {
  using C = GatewayConfig;
  static const std::map<std::string_view, OtherValue> values = {
      {"listen", {"[::1]:0", [](const C& c) { return c.listen == "[::1]:0"; }}},
      {"metrics_listen",
       {"localhost:1", [](const C& c) { return c.metrics_listen == "localhost:1"; }}},
      {"health_listen", {"0.0.0.0:0", [](const C& c) { return c.health_listen == "0.0.0.0:0"; }}},
      {"tls_cert_file", {"c.pem", [](const C& c) { return c.tls_cert_file == "c.pem"; }}},
      {"tls_key_file", {"k.pem", [](const C& c) { return c.tls_key_file == "k.pem"; }}},
      {"tls_client_ca_file",
       {"ca.pem", [](const C& c) { return c.tls_client_ca_file == "ca.pem"; }}},
      {"tls_trust_domain",
       {"bank.example", [](const C& c) { return c.tls_trust_domain == "bank.example"; }}},
      {"authorization_policy_file",
       {"p.json", [](const C& c) { return c.authorization_policy_file == "p.json"; }}},
      {"callers_file", {"c.json", [](const C& c) { return c.callers_file == "c.json"; }}},
      {"allow_insecure_listen", {"true", [](const C& c) { return c.allow_insecure_listen; }}},
      {"api_url", {"http://[::1]:9/", [](const C& c) { return c.api_url == "http://[::1]:9"; }}},
      {"allow_insecure_api_url", {"on", [](const C& c) { return c.allow_insecure_api_url; }}},
      {"api_key", {"other", [](const C& c) { return c.api_key == "other"; }}},
      {"api_key_file", {"/run/key", [](const C& c) { return c.api_key_file == "/run/key"; }}},
      {"api_ca_file", {"ca.pem", [](const C& c) { return c.api_ca_file == "ca.pem"; }}},
      {"api_proxy", {"http://p:1", [](const C& c) { return c.api_proxy == "http://p:1"; }}},
      {"upstream_http2", {"on", [](const C& c) { return c.upstream_http2; }}},
      {"connect_timeout",
       {"250ms", [](const C& c) { return c.connect_timeout == milliseconds(250); }}},
      {"attempt_timeout",
       {"1.5s", [](const C& c) { return c.attempt_timeout == milliseconds(1'500); }}},
      {"idle_connection_timeout",
       {"10ms", [](const C& c) { return c.idle_connection_timeout == milliseconds(10); }}},
      {"default_deadline",
       {"1m30s", [](const C& c) { return c.default_deadline == milliseconds(90'000); }}},
      {"max_deadline",
       {"1h", [](const C& c) { return c.max_deadline == milliseconds(3'600'000); }}},
      {"drain_timeout",
       {"2m", [](const C& c) { return c.drain_timeout == milliseconds(120'000); }}},
      {"max_connection_age",
       {"24h", [](const C& c) { return c.max_connection_age == milliseconds(86'400'000); }}},
      {"store", {"sqlite:records", [](const C& c) { return c.store == "sqlite:records"; }}},
      {"settle_window",
       {"2m", [](const C& c) { return c.settle_window == milliseconds(120'000); }}},
      {"replay_window",
       {"1h", [](const C& c) { return c.replay_window == milliseconds(3'600'000); }}},
      {"lease_duration",
       {"5s", [](const C& c) { return c.lease_duration == milliseconds(5'000); }}},
      {"store_max_records", {"7", [](const C& c) { return c.store_max_records == 7; }}},
      {"max_in_flight", {"100000", [](const C& c) { return c.max_in_flight == 100'000; }}},
      {"max_connections", {"10", [](const C& c) { return c.max_connections == 10; }}},
      {"max_request_bytes", {"1024", [](const C& c) { return c.max_request_bytes == 1024; }}},
      {"max_response_bytes",
       {"32MiB", [](const C& c) { return c.max_response_bytes == 33'554'432; }}},
      {"max_response_bytes_in_flight",
       {"8MiB", [](const C& c) { return c.max_response_bytes_in_flight == 8'388'608; }}},
      {"circuit_breaker", {"off", [](const C& c) { return !c.circuit_breaker; }}},
      {"allow_insecure_store", {"on", [](const C& c) { return c.allow_insecure_store; }}},
      {"passfort_message", {"on", [](const C& c) { return c.passfort_message; }}},
      {"operations_service", {"on", [](const C& c) { return c.operations_service; }}},
      {"channelz", {"true", [](const C& c) { return c.channelz; }}},
      {"reflection", {"off", [](const C& c) { return c.reflection == "off"; }}},
      {"log_level", {"off", [](const C& c) { return c.log_level == LogLevel::kOff; }}},
  };
  return values;
}

// The environment that `setting` needs beside itself.
Words NeededBy(const Setting& setting) {
  static const std::map<std::string_view, Words> needed = {
      {"api_key_file", {}},
      {"operations_service", {kKeyVariable, "PASSFORT_GATEWAY_STORE=sqlite::memory:"}},
      {"tls_cert_file", {kKeyVariable, "PASSFORT_GATEWAY_TLS_KEY_FILE=k"}},
      {"tls_key_file", {kKeyVariable, "PASSFORT_GATEWAY_TLS_CERT_FILE=c"}},
      {"tls_client_ca_file",
       {kKeyVariable, "PASSFORT_GATEWAY_TLS_CERT_FILE=c", "PASSFORT_GATEWAY_TLS_KEY_FILE=k"}},
      {"tls_trust_domain",
       {kKeyVariable, "PASSFORT_GATEWAY_TLS_CERT_FILE=c", "PASSFORT_GATEWAY_TLS_KEY_FILE=k",
        "PASSFORT_GATEWAY_TLS_CLIENT_CA_FILE=ca"}},
      {"authorization_policy_file",
       {kKeyVariable, "PASSFORT_GATEWAY_TLS_CERT_FILE=c", "PASSFORT_GATEWAY_TLS_KEY_FILE=k",
        "PASSFORT_GATEWAY_TLS_CLIENT_CA_FILE=ca"}},
      {"callers_file",
       {kKeyVariable, "PASSFORT_GATEWAY_TLS_CERT_FILE=c", "PASSFORT_GATEWAY_TLS_KEY_FILE=k",
        "PASSFORT_GATEWAY_TLS_CLIENT_CA_FILE=ca"}},
  };
  const auto found = needed.find(setting.name);
  return found == needed.end() ? Words{kKeyVariable} : found->second;
}

TEST(GatewayConfigTest, TakesEverySettingFromAFlagInBothForms) {
  for (const Setting& setting : AllSettings()) {
    SCOPED_TRACE(setting.name);
    const OtherValue& value = OtherValues().at(setting.name);
    if (setting.name == "api_key") continue;
    const std::string flag = absl::StrCat("--", std::string(setting.name));
    const std::string joined = absl::StrCat(flag, "=", value.text);
    for (const Words& words : {Words{joined}, Words{flag, value.text}}) {
      const auto parsed = Parse(words, NeededBy(setting));
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      EXPECT_TRUE(value.is_set(parsed->config));
    }
  }
}

TEST(GatewayConfigTest, TakesEverySettingFromTheEnvironment) {
  for (const Setting& setting : AllSettings()) {
    SCOPED_TRACE(setting.name);
    const OtherValue& value = OtherValues().at(setting.name);
    const std::string entry = absl::StrCat(EnvironmentName(setting), "=", value.text);
    Words environment = NeededBy(setting);
    environment.push_back(entry);
    const auto parsed = Parse({}, environment);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_TRUE(value.is_set(parsed->config));
  }
}

TEST(GatewayConfigTest, LetsTheFlagWinOverTheEnvironment) {
  const auto parsed =
      Parse({"--max_in_flight=7"}, {kKeyVariable, "PASSFORT_GATEWAY_MAX_IN_FLIGHT=8"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->config.max_in_flight, 7);
}

TEST(GatewayConfigTest, LetsTheLastOfEqualFlagsWin) {
  EXPECT_EQ(ParseFlags({"--max_in_flight=7", "--max_in_flight", "9"})->config.max_in_flight, 9);
}

// As the values of Kubernetes' Secrets come that were made with `echo`.
TEST(GatewayConfigTest, LeavesOutALineBreakAtTheEndOfAVariable) {
  const auto parsed = Parse({}, {"PASSFORT_GATEWAY_API_KEY=test-key\n",
                                 "PASSFORT_GATEWAY_STORE=postgresql://u:p@localhost/records\r\n",
                                 "PASSFORT_GATEWAY_MAX_IN_FLIGHT=\n"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->config.api_key, "test-key");
  EXPECT_EQ(parsed->config.store, "postgresql://u:p@localhost/records");
  EXPECT_EQ(parsed->config.max_in_flight, 5000);
}

TEST(GatewayConfigTest, CountsAnEmptyVariableAsUnset) {
  const auto parsed = Parse(
      {}, {kKeyVariable, "PASSFORT_GATEWAY_API_KEY_FILE=", "PASSFORT_GATEWAY_MAX_IN_FLIGHT="});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->config.max_in_flight, 5000);
}

TEST(GatewayConfigTest, TakesASwitchWithoutAValue) {
  const auto parsed = ParseFlags({"--channelz", "--upstream_http2", "off", "--max_in_flight=1"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(parsed->config.channelz);
  EXPECT_FALSE(parsed->config.upstream_http2);
  EXPECT_FALSE(ParseFlags({"--channelz", "--channelz=false"})->config.channelz);
}

struct WrongRow {
  std::vector<std::string_view> arguments;
  const char* message;
};

class WrongFlagTest : public testing::TestWithParam<WrongRow> {};

TEST_P(WrongFlagTest, StopsTheStart) {
  EXPECT_EQ(ErrorOf(ParseFlags(GetParam().arguments)), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongFlagTest,
    testing::Values(
        WrongRow{{"--drain_timeout=5"},
                 "drain_timeout: \"5\" from --drain_timeout is not valid; want 10ms to 1h"},
        WrongRow{{"--drain_timeout", "9ms"},
                 "drain_timeout: \"9ms\" from --drain_timeout is not valid; want 10ms to 1h"},
        WrongRow{{"--connect_timeout=inf"},
                 "connect_timeout: \"inf\" from --connect_timeout is not valid; want 10ms to 5m"},
        WrongRow{
            {"--connect_timeout=10.5ms"},
            "connect_timeout: \"10.5ms\" from --connect_timeout is not valid; want 10ms to 5m"},
        WrongRow{{"--connect_timeout=-3s"},
                 "connect_timeout: \"-3s\" from --connect_timeout is not valid; want 10ms to 5m"},
        WrongRow{{"--max_in_flight=0"},
                 "max_in_flight: \"0\" from --max_in_flight is not valid; want 1 to 100000"},
        WrongRow{{"--max_in_flight=100001"},
                 "max_in_flight: \"100001\" from --max_in_flight is not valid; want 1 to 100000"},
        WrongRow{{"--max_in_flight=+5"},
                 "max_in_flight: \"+5\" from --max_in_flight is not valid; want 1 to 100000"},
        WrongRow{{"--max_request_bytes=64KB"},
                 "max_request_bytes: \"64KB\" from --max_request_bytes is not valid; want 1KiB to "
                 "4MiB"},
        WrongRow{{"--max_response_bytes=9223372036854775807GiB"},
                 "max_response_bytes: \"9223372036854775807GiB\" from --max_response_bytes is not "
                 "valid; want 1KiB to 64MiB"},
        WrongRow{{"--channelz=yes"},
                 "channelz: \"yes\" from --channelz is not valid; want on or off"},
        WrongRow{{"--log_level=trace"},
                 "log_level: \"trace\" from --log_level is not valid; want debug, info, warn, "
                 "error, off"},
        WrongRow{
            {"--listen=50051"},
            "listen: \"50051\" from --listen has no valid host; want host:port, [IPv6]:port or "
            "unix:/path"},
        WrongRow{
            {"--metrics_listen=0.0.0.0:9464"},
            "metrics_listen: \"0.0.0.0:9464\" is reachable from other machines, in plain text; "
            "want a loopback address (127.0.0.0/8, [::1], localhost), TLS with callers' "
            "certificates (tls_client_ca_file), or set allow_insecure_listen"},
        WrongRow{
            {"--listen=0.0.0.0:50051"},
            "listen: \"0.0.0.0:50051\" is reachable from other machines, in plain text; want a "
            "loopback address (127.0.0.0/8, [::1], localhost), TLS with callers' certificates "
            "(tls_client_ca_file), or set allow_insecure_listen"},
        // TLS alone hides what callers say, not who they are.
        WrongRow{{"--listen=[::]:50051", "--tls_cert_file=c", "--tls_key_file=k"},
                 "listen: \"[::]:50051\" is reachable from other machines, and anybody may call; "
                 "want a loopback address (127.0.0.0/8, [::1], localhost), TLS with callers' "
                 "certificates (tls_client_ca_file), or set allow_insecure_listen"},
        WrongRow{{"--tls_cert_file=c"},
                 "tls_cert_file, tls_key_file: only one of them is set; want both, or neither"},
        WrongRow{{"--tls_key_file=k"},
                 "tls_cert_file, tls_key_file: only one of them is set; want both, or neither"},
        WrongRow{{"--tls_client_ca_file=ca"},
                 "tls_client_ca_file: needs tls_cert_file and tls_key_file too"},
        WrongRow{{"--tls_cert_file=c", "--tls_key_file=k", "--tls_client_ca_file=ca",
                  "--allow_insecure_listen"},
                 "allow_insecure_listen: callers have to show certificates (tls_client_ca_file), "
                 "so nothing insecure is to be allowed; leave one of the two away"},
        WrongRow{{"--tls_trust_domain=bank.example"},
                 "tls_trust_domain: without tls_client_ca_file nobody knows who calls; set that "
                 "too"},
        WrongRow{{"--authorization_policy_file=policy.json"},
                 "authorization_policy_file: without tls_client_ca_file nobody knows who calls; "
                 "set that too"},
        WrongRow{
            {"--authorization_policy_file=policy.json", "--tls_cert_file=c", "--tls_key_file=k"},
            "authorization_policy_file: without tls_client_ca_file nobody knows who calls; "
            "set that too"},
        // A policy without identities promises what it cannot keep.
        WrongRow{{"--authorization_policy_file=policy.json", "--allow_insecure_listen"},
                 "authorization_policy_file: without tls_client_ca_file nobody knows who calls; "
                 "set that too"},
        WrongRow{{"--callers_file=callers.json"},
                 "callers_file: without tls_client_ca_file nobody knows who calls; set that too"},
        WrongRow{{"--callers_file=callers.json", "--tls_cert_file=c", "--tls_key_file=k"},
                 "callers_file: without tls_client_ca_file nobody knows who calls; set that too"},
        WrongRow{{"--tls_trust_domain=spiffe://bank.example"},
                 "tls_trust_domain: \"spiffe://bank.example\" from --tls_trust_domain is no trust "
                 "domain: want 1 to 255 of a-z, 0-9, '.', '-' and '_', without \"spiffe://\"; want "
                 "a SPIFFE trust domain"},
        WrongRow{{"--tls_cert_file="},
                 "tls_cert_file: \"\" from --tls_cert_file is empty; want a path"},
        WrongRow{{"--health_listen=50052"},
                 "health_listen: \"50052\" from --health_listen has no valid host; want "
                 "host:port, [IPv6]:port or unix:/path"},
        WrongRow{{"--api_url=http://api.example/4.0"},
                 "api_url: \"http://api.example/4.0\" would show the API key and personal data on "
                 "the way; want https, or plain http to a loopback host, or set "
                 "allow_insecure_api_url"},
        WrongRow{{"--api_url=http://127.0.0.1:1", "--api_proxy=http://proxy.example:3128"},
                 "api_proxy: \"http://proxy.example:3128\" would get the API key in plain text, "
                 "because api_url is plain http; want an https api_url, or set "
                 "allow_insecure_api_url"},
        WrongRow{{"--api_ca_file="}, "api_ca_file: \"\" from --api_ca_file is empty; want a path"},
        WrongRow{{"--api_key_file=/run/key"},
                 "api_key, api_key_file: both are set; want exactly one"},
        WrongRow{{"--default_deadline=151s"},
                 "default_deadline: 151s is longer than max_deadline (150s); want at most that"},
        WrongRow{{"--store=mysql:secret"},
                 "store: (value not shown) from --store names no store; want sqlite:PATH, "
                 "sqlite::memory: or postgresql://..."},
        WrongRow{{"--store=sqlite:"},
                 "store: (value not shown) from --store has no path after sqlite:; want "
                 "sqlite:PATH, sqlite::memory: or postgresql://..."},
        WrongRow{{"--store_max_records=0"},
                 "store_max_records: \"0\" from --store_max_records is not valid; want 1 to "
                 "1000000000"},
        // 10 s, 65 s and 65 s are exactly as much.
        WrongRow{{"--replay_window=140s"},
                 "replay_window: 140s is not longer than lease_duration (10s), attempt_timeout "
                 "(65s) and settle_window (65s) together; want more than 140s"},
        WrongRow{{"--operations_service"},
                 "operations_service: without a store no request_id is remembered; set store too, "
                 "or leave it off"},
        WrongRow{{"--operations_service", "--store=sqlite::memory:", "--listen=0.0.0.0:1",
                  "--tls_cert_file=c", "--tls_key_file=k", "--tls_client_ca_file=ca"},
                 "operations_service: listen (\"0.0.0.0:1\") is reachable from other machines, and "
                 "every caller could settle writes; set authorization_policy_file, with a rule for "
                 "those who may, or leave it off"},
        WrongRow{{"--listen"},
                 "listen: --listen has no value; want host:port, [IPv6]:port or unix:/path"},
        WrongRow{{"--listen", "--channelz"},
                 "listen: --listen has no value; want host:port, [IPv6]:port or unix:/path"},
        WrongRow{{"--drain-timeout=5s"},
                 "unknown flag --drain-timeout, did you mean drain_timeout? (see --help)"},
        WrongRow{{"--port=1"}, "unknown flag --port (see --help)"},
        WrongRow{{"--channelz", "yes"},
                 "argument 2 is not a flag; settings are given as --name=value (see --help)"}));

TEST(GatewayConfigTest, NamesTheVariableThatIsWrong) {
  EXPECT_EQ(ErrorOf(Parse({}, {kKeyVariable, "PASSFORT_GATEWAY_LOG_LEVEL=loud"})),
            "log_level: \"loud\" from PASSFORT_GATEWAY_LOG_LEVEL is not valid; want debug, info, "
            "warn, error, off");
}

TEST(GatewayConfigTest, NeedsAKey) {
  EXPECT_EQ(ErrorOf(Parse({}, {})),
            "api_key: no API key; set PASSFORT_GATEWAY_API_KEY or api_key_file");
}

TEST(GatewayConfigTest, RefusesTheKeyOnTheCommandLineAndSaysWhy) {
  for (const Words& words : {Words{"--api_key=canary"}, Words{"--api_key", "canary"}}) {
    EXPECT_THAT(ErrorOf(ParseFlags(words)),
                AllOf(HasSubstr("process list"), HasSubstr("PASSFORT_GATEWAY_API_KEY"),
                      Not(HasSubstr("canary"))));
  }
}

TEST(GatewayConfigTest, RepeatsNothingThatMayBeASecret) {
  for (const Words& words :
       {Words{"--apikey=canary"}, Words{"--api_key:canary"},
        Words{"--listen=host=db password=canary"},
        Words{"--store=sqlite:postgresql://me:canary@db/records"}, Words{"--apikey", "canary"},
        Words{"canary"}, Words{"--api_url=https://canary@api.example"},
        Words{"--api_url=https://h/?apikey=canary"},
        Words{"--api_proxy=http://user:canary@proxy.example:1"}, Words{"--store=canary"},
        Words{"--store=postgresq://user:canary@db"}}) {
    const auto parsed = ParseFlags(words);
    ASSERT_FALSE(parsed.ok()) << words[0];
    EXPECT_THAT(ErrorOf(parsed), Not(HasSubstr("canary")));
  }
}

TEST(GatewayConfigTest, OpensUpWhenToldTo) {
  EXPECT_TRUE(
      ParseFlags({"--allow_insecure_listen", "--listen=0.0.0.0:1", "--metrics_listen=0.0.0.0:2"})
          .ok());
  EXPECT_TRUE(ParseFlags({"--allow_insecure_api_url", "--api_url=http://api.example"}).ok());
}

TEST(GatewayConfigTest, ServesOtherMachinesToCallersWithCertificates) {
  const auto parsed =
      ParseFlags({"--tls_cert_file=c", "--tls_key_file=k", "--tls_client_ca_file=ca",
                  "--tls_trust_domain=bank.example", "--authorization_policy_file=policy.json",
                  "--listen=0.0.0.0:1", "--metrics_listen=0.0.0.0:2"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(parsed->warnings, ElementsAre(HasSubstr("metrics_listen")));
  EXPECT_TRUE(KnowsCallers(parsed->config));
}

TEST(GatewayConfigTest, TakesAPolicyWithoutCallersAndTheOtherWayRound) {
  for (const Words& files :
       {Words{"--callers_file=callers.json"}, Words{"--authorization_policy_file=policy.json"},
        Words{"--callers_file=callers.json", "--authorization_policy_file=policy.json"}}) {
    Words words = {"--tls_cert_file=c", "--tls_key_file=k", "--tls_client_ca_file=ca"};
    words.insert(words.end(), files.begin(), files.end());
    EXPECT_TRUE(ParseFlags(words).ok()) << files[0];
  }
}

TEST(GatewayConfigTest, ServesTlsWithoutCallersCertificatesOnlyHereOrWhenToldTo) {
  for (const Words& more : {Words{}, Words{"--allow_insecure_listen", "--listen=0.0.0.0:1"}}) {
    Words words = {"--tls_cert_file=c", "--tls_key_file=k"};
    words.insert(words.end(), more.begin(), more.end());
    const auto parsed = ParseFlags(words);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_FALSE(KnowsCallers(parsed->config));
  }
}

// It tells nothing but whether the gateway is well, and probes come from other machines.
TEST(GatewayConfigTest, ServesHealthInPlainTextToOtherMachines) {
  EXPECT_TRUE(ParseFlags({"--health_listen=0.0.0.0:50052"}).ok());
}

TEST(GatewayConfigTest, WarnsOfUnknownVariables) {
  const auto parsed = Parse({}, {kKeyVariable, "PASSFORT_GATEWAY_PORT=tcp://canary",
                                 "PASSFORT_GATEWAY_LITN=x", "OTHER=1", "PASSFORT_GATEWAY"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(
      parsed->warnings,
      ElementsAre("unknown environment variable PASSFORT_GATEWAY_PORT is ignored",
                  "unknown environment variable PASSFORT_GATEWAY_LITN is ignored, did you mean "
                  "listen?"));
}

// Whoever made the slip counts on the setting: here, on the policy.
TEST(GatewayConfigTest, AVariableThatIsOneSlipAwayFromASettingStopsTheStart) {
  for (const char* const slip :
       {"AUTHORIZATION_POLICY_FIL", "AUTHORIZATION_POLICY_FILES", "AUTHORISATION_POLICY_FILE",
        "AUTHORIZATION_POLICY_FIEL", "authorization_policy_file"}) {
    const auto parsed =
        Parse({}, {kKeyVariable, absl::StrCat("PASSFORT_GATEWAY_", slip, "=canary")});
    EXPECT_EQ(parsed.status().message(),
              absl::StrCat("unknown environment variable PASSFORT_GATEWAY_", slip,
                           ", did you mean PASSFORT_GATEWAY_AUTHORIZATION_POLICY_FILE?"));
  }
}

// Of Services called passfort-gateway, passfort-gateway-metrics and passfort-gateway-store.
TEST(GatewayConfigTest, VariablesOfKubernetesStopNothing) {
  for (const std::string service : {"", "METRICS_", "STORE_", "HEALTH_"}) {
    for (const std::string name :
         {"PORT", "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_GRPC", "PORT_50051_TCP",
          "PORT_50051_TCP_PROTO", "PORT_50051_TCP_PORT", "PORT_50051_TCP_ADDR"}) {
      const auto parsed =
          Parse({}, {kKeyVariable, "PASSFORT_GATEWAY_" + service + name + "=10.0.0.1"});
      EXPECT_TRUE(parsed.ok()) << parsed.status();
    }
  }
}

TEST(GatewayConfigTest, ALineBreakInAValueIsCalledOne) {
  const auto parsed = Parse({}, {kKeyVariable, "PASSFORT_GATEWAY_API_CA_FILE=/etc/ca.pem\n\n"});
  EXPECT_THAT(parsed.status().message(), HasSubstr("has a line break in it"));
}

TEST(GatewayConfigTest, WarnsOfRiskyDurations) {
  const auto parsed = ParseFlags({"--attempt_timeout=59s", "--connect_timeout=1m",
                                  "--default_deadline=59999ms", "--drain_timeout=2m"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(
      parsed->warnings,
      ElementsAre("attempt_timeout: 59s is shorter than the 1m that Passfort may take: more writes "
                  "end as unknown",
                  "default_deadline: 59999ms is shorter than the 1m that Passfort may take: more "
                  "writes end as unknown",
                  "drain_timeout: 2m is shorter than max_deadline (150s): a stop can cut calls "
                  "that are in flight",
                  "connect_timeout: 1m is longer than attempt_timeout (59s) and has no effect"));
}

TEST(GatewayConfigTest, WarnsOfAShortSettleWindow) {
  const auto parsed = ParseFlags({"--settle_window=59s"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(parsed->warnings,
              ElementsAre("settle_window: 59s is shorter than the 1m that Passfort may take: a "
                          "retry with the same request_id can create a second application"));
  EXPECT_THAT(ParseFlags({"--settle_window=60s"})->warnings, IsEmpty());
}

TEST(GatewayConfigTest, TakesAReplayWindowThatIsJustLongEnough) {
  EXPECT_TRUE(ParseFlags({"--replay_window=140001ms"}).ok());
}

TEST(GatewayConfigTest, WarnsOfAPasswordOnTheCommandLineWithoutShowingIt) {
  for (const char* flag : {"--store=postgresql://me:canary@db/records",
                           "--store=postgres://db/records?password=canary",
                           "--store=postgresql://db/records?sslpassword=canary"}) {
    const auto parsed = ParseFlags({flag});
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_THAT(parsed->warnings,
                ElementsAre(AllOf(HasSubstr("PASSFORT_GATEWAY_STORE"), Not(HasSubstr("canary")))));
  }
  EXPECT_THAT(Parse({}, {kKeyVariable, "PASSFORT_GATEWAY_STORE=postgresql://me:canary@db/records"})
                  ->warnings,
              IsEmpty());
  for (const char* flag : {"--store=postgresql://me@db:5432/records", "--store=postgresql://db:1/r",
                           "--store=sqlite:/var/lib/me:x@y"}) {
    EXPECT_THAT(ParseFlags({flag})->warnings, IsEmpty());
  }
}

TEST(GatewayConfigTest, WarnsOfAnInsecureStore) {
  const auto warnings = [](const std::string& store) {
    return ParseFlags({"--allow_insecure_store", "--store=" + store})->warnings;
  };
  EXPECT_THAT(warnings("postgresql://u@h/d"), ElementsAre(HasSubstr("allow_insecure_store")));
  EXPECT_THAT(warnings("sqlite:/records.db"), IsEmpty());
}

TEST(GatewayConfigTest, WarnsOfHttp2WithoutTls) {
  const auto plain = ParseFlags({"--upstream_http2", "--api_url=http://127.0.0.1:8080/4.0"});
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_THAT(plain->warnings,
              ElementsAre("upstream_http2: has no effect with a plain http api_url: HTTP/2 is "
                          "agreed on in the TLS handshake only"));
  const auto secure = ParseFlags({"--upstream_http2"});
  ASSERT_TRUE(secure.ok()) << secure.status();
  EXPECT_THAT(secure->warnings, IsEmpty());
}

TEST(GatewayConfigTest, HelpTellsAllAboutEverySetting) {
  // Help is wanted most when the rest is wrong.
  const auto parsed = Parse({"--bogus", "--help"}, {});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->action, ParsedConfig::Action::kPrintText);
  for (const Setting& setting : AllSettings()) {
    EXPECT_THAT(parsed->text, HasSubstr(std::string(setting.name)));
    EXPECT_THAT(parsed->text, HasSubstr(EnvironmentName(setting)));
  }
  EXPECT_THAT(parsed->text,
              HasSubstr("  --connect_timeout=DURATION\n      Maximum time for a new connection to "
                        "Passfort.\n      Range: 10ms to 5m.\n      Default: 3s. Environment: "
                        "PASSFORT_GATEWAY_CONNECT_TIMEOUT\n"));
  EXPECT_THAT(parsed->text, Not(HasSubstr("--api_key=")));
}

TEST(GatewayConfigTest, HelpFitsATerminal) {
  const std::string text = Parse({"--help"}, {})->text;
  size_t start = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    EXPECT_LE(end - start, 80u) << text.substr(start, end - start);
    start = end + 1;
  }
  EXPECT_EQ(start, text.size());
}

TEST(GatewayConfigTest, TheSettingsPageIsWhatTheProgramPrints) {
  std::ifstream file(SETTINGS_PAGE);
  const std::string page(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(Parse({"--help-markdown"}, {})->text, page)
      << "passfort-gateway --help-markdown > docs/settings.md";
}

TEST(GatewayConfigTest, TellsTheVersion) {
  const auto parsed = Parse({"--version"}, {});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->action, ParsedConfig::Action::kPrintText);
  EXPECT_TRUE(parsed->text.starts_with(absl::StrCat("passfort-gateway ", kVersion)))
      << parsed->text;
}

TEST(CheckFilesTest, NamesTheFileThatCannotBeRead) {
  GatewayConfig config;
  EXPECT_TRUE(CheckFiles(config).ok());
  config.api_ca_file = "/nowhere/ca.pem";
  EXPECT_EQ(CheckFiles(config).message(),
            "api_ca_file: cannot read \"/nowhere/ca.pem\": No such file or directory");
}

TEST(GatewayConfigTest, ServesReflectionBeyondLoopbackOnlyIfAskedFor) {
  const auto serves = [](std::string_view listen, std::string_view reflection) {
    GatewayConfig config;
    config.listen = listen;
    config.reflection = reflection;
    return ServesReflection(config);
  };
  EXPECT_TRUE(serves("127.0.0.1:1", "auto"));
  EXPECT_TRUE(serves("unix:/run/gateway", "auto"));
  EXPECT_FALSE(serves("0.0.0.0:1", "auto"));
  EXPECT_TRUE(serves("0.0.0.0:1", "on"));
  EXPECT_FALSE(serves("127.0.0.1:1", "off"));
}

}  // namespace
}  // namespace gateway
