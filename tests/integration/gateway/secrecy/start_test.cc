// Starts that fail, and what is printed in place of a start: no secret is in it, wherever an
// operator may have put it by mistake.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/gateway/secrecy/canaries.h"
#include "tests/support/gateway_process.h"
#include "tests/support/temporary_file.h"

namespace gateway {
namespace {

constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kWrongSettings = 2;

const std::string kKey = kKeyCanary;
const std::string kPassword = kPasswordCanary;

struct StartPath {
  std::string name;
  int exit_code;
  std::vector<std::string> flags;
  // Without PASSFORT_GATEWAY_. The API key is among them unless there is another one.
  std::vector<std::string> environment = {};

  friend void PrintTo(const StartPath& shown, std::ostream* out) { *out << shown.name; }
};

// With words in the right places that are secret, and no port to serve on: the last thing that can
// fail.
std::vector<StartPath> PrintedOrTooLate() {
  const std::string store = "STORE=postgresql://me:" + kPassword + "@127.0.0.1:1/records";
  return {
      {"Help", kOk, {"--help"}, {store}},
      {"Version", kOk, {"--version"}, {store}},
      {"NoPort",
       kFailed,
       {"--listen=192.0.2.1:1", "--allow_insecure_listen", "--log_level=debug"},
       {store, "SECRET_KEY=" + kKey, "KEY_OF_API=" + kKey, "PASSWORD=" + kPassword}},
  };
}

std::vector<StartPath> KeysInWrongPlaces() {
  return {
      {"KeyAsFlag", kWrongSettings, {"--api_key=" + kKey}},
      {"KeyBehindFlag", kWrongSettings, {"--api_key", kKey}},
      {"KeyByColon", kWrongSettings, {"--api_key:" + kKey}},
      {"KeyByMistypedFlag", kWrongSettings, {"--apikey=" + kKey}},
      {"KeyAlone", kWrongSettings, {kKey}},
      {"KeyAsPathByFlag", kFailed, {"--api_key_file=" + kKey}, {"API_KEY="}},
      {"KeyAsPathByEnvironment", kFailed, {}, {"API_KEY=", "API_KEY_FILE=" + kKey}},
      {"KeyTwice", kWrongSettings, {"--api_key_file=/no/such/key"}},
      {"KeyUnderAMistypedName", kWrongSettings, {}, {"APIKEY=" + kKey}},
      {"KeyUnderAnotherMistypedName", kWrongSettings, {}, {"API_KEYS=" + kKey}},
      {"KeyInUrl", kWrongSettings, {"--api_url=https://" + kKey + "@api.example.test/4.0"}},
      {"KeyInQuery", kWrongSettings, {"--api_url=https://api.example.test/4.0?apikey=" + kKey}},
      {"KeyWithControls", kFailed, {}, {"API_KEY=" + kKey + "\x01"}},
      {"KeyTooLong", kFailed, {}, {"API_KEY=" + kKey + std::string(5000, 'x')}},
      {"KeyBesidesAWrongSetting", kWrongSettings, {"--attempt_timeout=65"}},
      {"PasswordInProxy",
       kWrongSettings,
       {"--api_proxy=http://me:" + kPassword + "@proxy.example.test:3128"}},
  };
}

std::vector<StartPath> StoresInWrongWords() {
  const std::string word = ":" + kPassword + "@";
  const auto path = [](std::string name, int code, std::string url) -> StartPath {
    return {std::move(name), code, {}, {"STORE=" + std::move(url)}};
  };
  return {
      path("OtherKind", kWrongSettings, "mysql://me" + word + "db/records"),
      path("UpperCase", kWrongSettings, "POSTGRESQL://me" + word + "db/records"),
      path("SpaceBefore", kWrongSettings, " postgresql://me" + word + "db/records"),
      path("NamesAndValues", kWrongSettings, "host=db user=me password=" + kPassword),
      path("BehindSqlite", kWrongSettings, "sqlite:postgresql://me" + word + "db/records"),
      path("NotEscaped", kFailed, "postgresql://me:/" + kPassword + "@127.0.0.1/records"),
      path("HashInside", kFailed, "postgresql://me:#" + kPassword + "@127.0.0.1:x/records"),
      path("PercentInside", kFailed, "postgresql://me:%zz" + kPassword + "@127.0.0.1/records"),
      path("InThePort", kFailed, "postgresql://127.0.0.1:" + kPassword + "/records"),
      path("InTheHost", kFailed, "postgresql://" + kPassword + "%20/records"),
      path("UnknownOption", kFailed, "postgresql://127.0.0.1/records?" + kPassword + "=1"),
      path("WithoutTls", kFailed, "postgresql://me" + word + "db.example.test/records"),
      path("Service", kFailed, "postgresql://me" + word + "127.0.0.1/records?service=" + kPassword),
      {"AsApiUrl", kWrongSettings, {}, {"API_URL=postgresql://me" + word + "db/records"}},
      {"AsApiUrlInNamesAndValues",
       kWrongSettings,
       {},
       {"API_URL=host=db user=me password=" + kPassword}},
      {"AsListen", kWrongSettings, {"--listen=postgresql://me" + word + "db/records"}},
  };
}

GatewayRun Start(const StartPath& path) {
  std::vector<std::string> flags = {"--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0"};
  flags.insert(flags.end(), path.flags.begin(), path.flags.end());
  std::vector<std::string> environment;
  bool has_key = false;
  for (const std::string& setting : path.environment) {
    has_key = has_key || setting.starts_with("API_KEY=");
    environment.push_back("PASSFORT_GATEWAY_" + setting);
  }
  if (!has_key) environment.push_back("PASSFORT_GATEWAY_API_KEY=" + kKey);
  return RunGateway(flags, environment);
}

class StartsTest : public testing::TestWithParam<StartPath> {};

TEST_P(StartsTest, ThatFailShowNoSecret) {
  const GatewayRun run = Start(GetParam());
  EXPECT_EQ(run.exit_code, GetParam().exit_code) << run.output << run.error;
  EXPECT_NE(run.output + run.error, "");
  EXPECT_THAT(Found(Secrets(), run.output + run.error), testing::IsEmpty());
}

std::string NameOf(const testing::TestParamInfo<StartPath>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Printed, StartsTest, testing::ValuesIn(PrintedOrTooLate()), NameOf);
INSTANTIATE_TEST_SUITE_P(Keys, StartsTest, testing::ValuesIn(KeysInWrongPlaces()), NameOf);
INSTANTIATE_TEST_SUITE_P(Stores, StartsTest, testing::ValuesIn(StoresInWrongWords()), NameOf);

struct KeyFileContent {
  std::string name;
  std::string content;
  mode_t mode = 0600;

  friend void PrintTo(const KeyFileContent& shown, std::ostream* out) { *out << shown.name; }
};

class KeyFilesTest : public testing::TestWithParam<KeyFileContent> {};

TEST_P(KeyFilesTest, ThatCannotBeUsedAreNotRepeated) {
  const TemporaryFile file(GetParam().content);
  ASSERT_EQ(chmod(file.path().c_str(), GetParam().mode), 0);
  const GatewayRun run =
      Start({"", kFailed, {"--api_key_file=" + file.path(), "--log_level=debug"}, {"API_KEY="}});
  EXPECT_EQ(run.exit_code, kFailed);
  EXPECT_THAT(run.output, testing::HasSubstr(file.path()));
  EXPECT_THAT(Found(Secrets(), run.output + run.error), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Contents, KeyFilesTest,
                         testing::Values(KeyFileContent{"TwoLines", kKey + "\n" + kKey + "\n"},
                                         KeyFileContent{"SpaceBefore", " " + kKey},
                                         KeyFileContent{"NoText",
                                                        std::string("\xFF\x00", 2) + kKey},
                                         KeyFileContent{"TooLong", kKey + std::string(5000, 'x')},
                                         KeyFileContent{"WrittenByAll", kKey, 0666}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
