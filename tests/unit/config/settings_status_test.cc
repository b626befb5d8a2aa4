#include "service/config/settings_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

std::map<std::string, std::string> Shown(const std::vector<std::string_view>& environment) {
  const auto parsed = ParseGatewayConfig({}, environment);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  StatusReport report;
  SettingsStatus(parsed->config).Describe(report);
  std::map<std::string, std::string> values;
  for (const StatusItem& item : report.Section("Settings").items) values[item.name] = item.value;
  return values;
}

TEST(SettingsStatusTest, ShowsEachSettingWithItsValueOrDefault) {
  auto shown =
      Shown({"PASSFORT_GATEWAY_API_KEY=canary", "PASSFORT_GATEWAY_ATTEMPT_TIMEOUT=70s",
             "PASSFORT_GATEWAY_CIRCUIT_BREAKER=off", "PASSFORT_GATEWAY_API_CA_FILE=/etc/ca.pem"});
  EXPECT_EQ(shown["api_key"], "set");
  EXPECT_EQ(shown["api_key_file"], "none");
  EXPECT_EQ(shown["api_ca_file"], "/etc/ca.pem");
  EXPECT_EQ(shown["attempt_timeout"], "70s");
  EXPECT_EQ(shown["connect_timeout"], "3s (default)");
  EXPECT_EQ(shown["circuit_breaker"], "off");
  EXPECT_EQ(shown["channelz"], "off (default)");
  EXPECT_EQ(shown["max_request_bytes"], "65536 bytes (default)");
  EXPECT_EQ(shown["log_level"], "info (default)");
  EXPECT_EQ(shown["store"], "none");
  EXPECT_EQ(shown["api_url"], "https://api.passfort.com/4.0 (default)");
}

TEST(SettingsStatusTest, ShowsNoSecretOfAStore) {
  for (const char* url : {"postgresql://me:canary@db.example/records?sslmode=verify-full",
                          "postgresql://me@db.example/records?password=canary&sslmode=verify-full",
                          "postgresql://db.example/records?sslmode=verify-full&password=canary"}) {
    const std::string setting = std::string("PASSFORT_GATEWAY_STORE=") + url;
    auto shown = Shown({"PASSFORT_GATEWAY_API_KEY=k", setting});
    EXPECT_EQ(shown["store"], "postgresql://db.example/records") << url;
  }
}

TEST(SettingsStatusTest, DoesNotShowAKeyThatWasGivenAsItsFile) {
  auto shown = Shown({"PASSFORT_GATEWAY_API_KEY_FILE=canary"});
  EXPECT_EQ(shown["api_key_file"], "set, a relative path");
}

TEST(WithoutSecretsTest, LeavesOutWhatMayBeSecret) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"https://api.passfort.com/4.0", "https://api.passfort.com/4.0"},
      {"http://proxy:3128", "http://proxy:3128"},
      {"sqlite:/data/records.db", "sqlite:/data/records.db"},
      {"sqlite::memory:", "sqlite::memory:"},
      {"sqlite:/data/r.db?key=canary", "sqlite:/data/r.db"},
      {"postgresql://h1,h2:5433/db", "postgresql://h1,h2:5433/db"},
      {"postgresql://me:canary@h/db?x=1#y", "postgresql://h/db"},
      {"postgresql://me:can/ary@h/db", "postgresql://h/db"},
      // What libpq makes of these depends on which of them ends the password.
      {"postgresql://me:can?ary@h/db", "postgresql://..."},
      {"postgresql://me:can#ary@h/db", "postgresql://..."},
      {"postgresql://me:can@ary@h/db", "postgresql://..."},
      {"postgresql://me:can@ary?x@h/db", "postgresql://..."},
      {"postgresql://h/db?user=a@b&password=canary", "postgresql://..."},
      {"postgresql://me:p@h/db?password=can@ary", "postgresql://..."},
  };
  for (const auto& [url, shown] : rows) EXPECT_EQ(WithoutSecrets(url), shown) << url;
}

}  // namespace
}  // namespace gateway
