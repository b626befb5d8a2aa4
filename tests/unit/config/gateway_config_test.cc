#include "service/config/gateway_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/config/settings.h"
#include "tests/unit/config/parsed_words.h"

namespace gateway {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

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

TEST(GatewayConfigTest, NamesTheVariableThatIsWrong) {
  EXPECT_EQ(ErrorOf(Parse({}, {kKeyVariable, "PASSFORT_GATEWAY_LOG_LEVEL=loud"})),
            "log_level: \"loud\" from PASSFORT_GATEWAY_LOG_LEVEL is not valid; want debug, info, "
            "warn, error, off");
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
