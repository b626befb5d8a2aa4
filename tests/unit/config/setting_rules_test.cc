#include "service/config/setting_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/config/parsed_words.h"

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct BrokenRule {
  Words arguments;
  const char* message;
};

class BrokenRuleTest : public testing::TestWithParam<BrokenRule> {};

TEST_P(BrokenRuleTest, StopsTheStart) {
  EXPECT_EQ(ErrorOf(ParseFlags(GetParam().arguments)), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenRuleTest,
    testing::Values(
        BrokenRule{
            {"--metrics_listen=0.0.0.0:9464"},
            "metrics_listen: \"0.0.0.0:9464\" is reachable from other machines, in plain text; "
            "want a loopback address (127.0.0.0/8, [::1], localhost), TLS with callers' "
            "certificates (tls_client_ca_file), or set allow_insecure_listen"},
        BrokenRule{
            {"--listen=0.0.0.0:50051"},
            "listen: \"0.0.0.0:50051\" is reachable from other machines, in plain text; want a "
            "loopback address (127.0.0.0/8, [::1], localhost), TLS with callers' certificates "
            "(tls_client_ca_file), or set allow_insecure_listen"},
        // TLS alone hides what callers say, not who they are.
        BrokenRule{{"--listen=[::]:50051", "--tls_cert_file=c", "--tls_key_file=k"},
                   "listen: \"[::]:50051\" is reachable from other machines, and anybody may call; "
                   "want a loopback address (127.0.0.0/8, [::1], localhost), TLS with callers' "
                   "certificates (tls_client_ca_file), or set allow_insecure_listen"},
        BrokenRule{{"--tls_cert_file=c"},
                   "tls_cert_file, tls_key_file: only one of them is set; want both, or neither"},
        BrokenRule{{"--tls_key_file=k"},
                   "tls_cert_file, tls_key_file: only one of them is set; want both, or neither"},
        BrokenRule{{"--tls_client_ca_file=ca"},
                   "tls_client_ca_file: needs tls_cert_file and tls_key_file too"},
        BrokenRule{{"--tls_cert_file=c", "--tls_key_file=k", "--tls_client_ca_file=ca",
                    "--allow_insecure_listen"},
                   "allow_insecure_listen: callers have to show certificates (tls_client_ca_file), "
                   "so nothing insecure is to be allowed; leave out one of the two"},
        BrokenRule{{"--tls_trust_domain=bank.example"},
                   "tls_trust_domain: without tls_client_ca_file nobody knows who calls; set that "
                   "too"},
        BrokenRule{{"--authorization_policy_file=policy.json"},
                   "authorization_policy_file: without tls_client_ca_file nobody knows who calls; "
                   "set that too"},
        BrokenRule{
            {"--authorization_policy_file=policy.json", "--tls_cert_file=c", "--tls_key_file=k"},
            "authorization_policy_file: without tls_client_ca_file nobody knows who calls; "
            "set that too"},
        // A policy without identities promises what it cannot keep.
        BrokenRule{{"--authorization_policy_file=policy.json", "--allow_insecure_listen"},
                   "authorization_policy_file: without tls_client_ca_file nobody knows who calls; "
                   "set that too"},
        BrokenRule{{"--callers_file=callers.json"},
                   "callers_file: without tls_client_ca_file nobody knows who calls; set that too"},
        BrokenRule{{"--callers_file=callers.json", "--tls_cert_file=c", "--tls_key_file=k"},
                   "callers_file: without tls_client_ca_file nobody knows who calls; set that too"},
        BrokenRule{
            {"--api_url=http://api.example/4.0"},
            "api_url: \"http://api.example/4.0\" would show the API key and personal data on "
            "the way; want https, or plain http to a loopback host, or set "
            "allow_insecure_api_url"},
        BrokenRule{{"--api_url=http://127.0.0.1:1", "--api_proxy=http://proxy.example:3128"},
                   "api_proxy: \"http://proxy.example:3128\" would get the API key in plain text, "
                   "because api_url is plain http; want an https api_url, or set "
                   "allow_insecure_api_url"},
        BrokenRule{{"--api_key_file=/run/key"},
                   "api_key, api_key_file: both are set; want exactly one"},
        BrokenRule{{"--default_deadline=151s"},
                   "default_deadline: 151s is longer than max_deadline (150s); want at most that"},
        // 10 s, 65 s and 65 s are exactly as much.
        BrokenRule{{"--replay_window=140s"},
                   "replay_window: 140s is not longer than lease_duration (10s), attempt_timeout "
                   "(65s) and settle_window (65s) together; want more than 140s"},
        BrokenRule{
            {"--operations_service"},
            "operations_service: without a store no request_id is remembered; set store too, "
            "or leave it off"},
        BrokenRule{
            {"--operations_service", "--store=sqlite::memory:", "--listen=0.0.0.0:1",
             "--tls_cert_file=c", "--tls_key_file=k", "--tls_client_ca_file=ca"},
            "operations_service: listen (\"0.0.0.0:1\") is reachable from other machines, and "
            "every caller could settle writes; set authorization_policy_file, with a rule for "
            "those who may, or leave it off"}));

TEST(SettingRulesTest, NeedsAKey) {
  EXPECT_EQ(ErrorOf(Parse({}, {})),
            "api_key: no API key; set PASSFORT_GATEWAY_API_KEY or api_key_file");
}

TEST(SettingRulesTest, OpensUpWhenToldTo) {
  EXPECT_TRUE(
      ParseFlags({"--allow_insecure_listen", "--listen=0.0.0.0:1", "--metrics_listen=0.0.0.0:2"})
          .ok());
  EXPECT_TRUE(ParseFlags({"--allow_insecure_api_url", "--api_url=http://api.example"}).ok());
}

TEST(SettingRulesTest, ServesOtherMachinesToCallersWithCertificates) {
  const auto parsed =
      ParseFlags({"--tls_cert_file=c", "--tls_key_file=k", "--tls_client_ca_file=ca",
                  "--tls_trust_domain=bank.example", "--authorization_policy_file=policy.json",
                  "--listen=0.0.0.0:1", "--metrics_listen=0.0.0.0:2"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(parsed->warnings, ElementsAre(HasSubstr("metrics_listen")));
  EXPECT_TRUE(KnowsCallers(parsed->config));
}

TEST(SettingRulesTest, TakesAPolicyWithoutCallersAndTheOtherWayRound) {
  for (const Words& files :
       {Words{"--callers_file=callers.json"}, Words{"--authorization_policy_file=policy.json"},
        Words{"--callers_file=callers.json", "--authorization_policy_file=policy.json"}}) {
    Words words = {"--tls_cert_file=c", "--tls_key_file=k", "--tls_client_ca_file=ca"};
    words.insert(words.end(), files.begin(), files.end());
    EXPECT_TRUE(ParseFlags(words).ok()) << files[0];
  }
}

TEST(SettingRulesTest, ServesTlsWithoutCallersCertificatesOnlyHereOrWhenToldTo) {
  for (const Words& more : {Words{}, Words{"--allow_insecure_listen", "--listen=0.0.0.0:1"}}) {
    Words words = {"--tls_cert_file=c", "--tls_key_file=k"};
    words.insert(words.end(), more.begin(), more.end());
    const auto parsed = ParseFlags(words);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_FALSE(KnowsCallers(parsed->config));
  }
}

// It tells nothing but whether the gateway is well, and probes come from other machines.
TEST(SettingRulesTest, ServesHealthInPlainTextToOtherMachines) {
  EXPECT_TRUE(ParseFlags({"--health_listen=0.0.0.0:50052"}).ok());
}

TEST(SettingRulesTest, WarnsOfRiskyDurations) {
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

TEST(SettingRulesTest, WarnsOfAShortSettleWindow) {
  const auto parsed = ParseFlags({"--settle_window=59s"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(parsed->warnings,
              ElementsAre("settle_window: 59s is shorter than the 1m that Passfort may take: a "
                          "retry with the same request_id can create a second application"));
  EXPECT_THAT(ParseFlags({"--settle_window=60s"})->warnings, IsEmpty());
}

TEST(SettingRulesTest, TakesAReplayWindowThatIsJustLongEnough) {
  EXPECT_TRUE(ParseFlags({"--replay_window=140001ms"}).ok());
}

TEST(SettingRulesTest, WarnsOfAnInsecureStore) {
  const auto warnings = [](const std::string& store) {
    return ParseFlags({"--allow_insecure_store", "--store=" + store})->warnings;
  };
  EXPECT_THAT(warnings("postgresql://u@h/d"), ElementsAre(HasSubstr("allow_insecure_store")));
  EXPECT_THAT(warnings("sqlite:/records.db"), IsEmpty());
}

TEST(SettingRulesTest, WarnsOfHttp2WithoutTls) {
  const auto plain = ParseFlags({"--upstream_http2", "--api_url=http://127.0.0.1:8080/4.0"});
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_THAT(plain->warnings,
              ElementsAre("upstream_http2: has no effect with a plain http api_url: HTTP/2 is "
                          "agreed on in the TLS handshake only"));
  const auto secure = ParseFlags({"--upstream_http2"});
  ASSERT_TRUE(secure.ok()) << secure.status();
  EXPECT_THAT(secure->warnings, IsEmpty());
}

}  // namespace
}  // namespace gateway
