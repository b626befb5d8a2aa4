#include "service/config/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "service/base/version.h"
#include "service/config/settings.h"
#include "tests/unit/config/parsed_words.h"

namespace gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HelpTest, HelpTellsAllAboutEverySetting) {
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

TEST(HelpTest, HelpFitsATerminal) {
  const std::string text = Parse({"--help"}, {})->text;
  size_t start = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    EXPECT_LE(end - start, 80u) << text.substr(start, end - start);
    start = end + 1;
  }
  EXPECT_EQ(start, text.size());
}

TEST(HelpTest, TheSettingsPageIsWhatTheProgramPrints) {
  std::ifstream file(SETTINGS_PAGE);
  const std::string page(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(Parse({"--help-markdown"}, {})->text, page)
      << "passfort-gateway --help-markdown > docs/settings.md";
}

TEST(HelpTest, TellsTheVersion) {
  const auto parsed = Parse({"--version"}, {});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->action, ParsedConfig::Action::kPrintText);
  EXPECT_TRUE(parsed->text.starts_with(absl::StrCat("passfort-gateway ", kVersion)))
      << parsed->text;
}

}  // namespace
}  // namespace gateway
