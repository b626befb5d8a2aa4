#include "service/observability/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "service/observability/operator_pages.h"
#include "service/observability/status_rendering.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::chrono::system_clock::time_point kNow{1'795'874'523s};  // 2026-11-28T14:02:03Z

StatusReport AReport() {
  StatusReport report{.at = kNow};
  report.Section("Passfort").Add("circuit", "open: calls are refused", StatusLevel::kBad);
  report.Section("Store").Add("state", "available", StatusLevel::kGood);
  report.Section("Passfort").Add("api_url", "http://127.0.0.1/4.0");
  report.Section("Passfort").Add("rate limit", "paused: GET /whoami", StatusLevel::kNotice);
  return report;
}

TEST(StatusReportTest, KeepsSectionsAndItemsInTheirOrder) {
  const StatusReport report = AReport();
  ASSERT_EQ(report.sections.size(), 2);
  EXPECT_EQ(report.sections[0].title, "Passfort");
  EXPECT_EQ(report.sections[0].items.size(), 3);
  EXPECT_EQ(report.sections[1].title, "Store");
  EXPECT_EQ(report.Count(StatusLevel::kBad), 1);
  EXPECT_EQ(report.Count(StatusLevel::kNotice), 1);
}

TEST(StatusReportTest, TellsTimeInTheTwoLargestUnits) {
  const std::vector<std::pair<std::chrono::seconds, std::string>> rows = {
      {0s, "0s"},          {59s, "59s"},   {60s, "1m 0s"}, {3599s, "59m 59s"},
      {2h + 90s, "2h 1m"}, {75h, "3d 3h"}, {-5s, "0s"}};
  for (const auto& [duration, text] : rows) EXPECT_EQ(DurationInWords(duration), text);
}

TEST(StatusReportTest, NoticesThatALimitIsNear) {
  StatusSection section;
  AddUse("calls", 89, 100, section);
  AddUse("calls", 90, 100, section);
  EXPECT_EQ(section.items[0].value, "89 of 100");
  EXPECT_EQ(section.items[0].level, StatusLevel::kGood);
  EXPECT_EQ(section.items[1].level, StatusLevel::kNotice);
}

TEST(StatusHtmlTest, SaysLevelsInWords) {
  const std::string page = StatusHtml(AReport(), kNow + 1s);
  EXPECT_THAT(page, HasSubstr(">bad</strong> open: calls are refused<"));
  EXPECT_THAT(page, HasSubstr(">good</strong> available<"));
  EXPECT_THAT(page, HasSubstr(">notice</strong> paused: GET /whoami<"));
  EXPECT_THAT(page, HasSubstr("As of 2026-11-28T14:02:03Z, 1s ago."));
}

TEST(StatusHtmlTest, EscapesWhateverItIsGiven) {
  StatusReport report{.at = kNow};
  report.Section("<b>title</b>").Add("<script>alert(1)</script>", "\"quoted\" & 'so' <i>");
  const std::string page = StatusHtml(report, kNow);
  EXPECT_THAT(page, HasSubstr("<h2>&lt;b&gt;title&lt;/b&gt;</h2>"));
  EXPECT_THAT(page, HasSubstr("<dt>&lt;script&gt;alert(1)&lt;/script&gt;</dt>"));
  EXPECT_THAT(page, HasSubstr("<dd>&quot;quoted&quot; &amp; &#39;so&#39; &lt;i&gt;</dd>"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(StatusHtmlTest, SaysThatNothingNewComesWhenTheLoopStandsStill) {
  EXPECT_THAT(StatusHtml(AReport(), kNow + kMaxReportAge), Not(HasSubstr("stands still")));
  EXPECT_THAT(StatusHtml(AReport(), kNow + kMaxReportAge + 1s), HasSubstr("stands still"));
}

TEST(StatusHtmlTest, SaysThatAllIsWell) {
  StatusReport report{.at = kNow};
  report.Section("Store").Add("state", "available", StatusLevel::kGood);
  EXPECT_THAT(StatusHtml(report, kNow), HasSubstr("nothing below needs a look"));
}

TEST(StatusJsonTest, HasTheSameContent) {
  const json page = json::parse(StatusJson(AReport(), kNow + 7s));
  EXPECT_EQ(page, json::parse(R"({
    "at": "2026-11-28T14:02:03Z", "age_seconds": 7, "bad": 1, "notices": 1,
    "sections": [
      {"title": "Passfort", "items": [
        {"name": "circuit", "value": "open: calls are refused", "level": "bad"},
        {"name": "api_url", "value": "http://127.0.0.1/4.0"},
        {"name": "rate limit", "value": "paused: GET /whoami", "level": "notice"}]},
      {"title": "Store", "items": [
        {"name": "state", "value": "available", "level": "good"}]}]})"));
}

TEST(StatusJsonTest, IsValidWhateverItIsGiven) {
  StatusReport report{.at = kNow};
  report.Section("s").Add("\"name\"\n", "\xff\x01</script>");
  const json page = json::parse(StatusJson(report, kNow));
  EXPECT_EQ(page["sections"][0]["items"][0]["name"], "\"name\"\n");
  EXPECT_EQ(page["sections"][0]["items"][0]["value"], "\xEF\xBF\xBD\x01</script>");
}

TEST(OperatorPagesTest, AnswersItsFourPathsAndNoOther) {
  const Metrics metrics;
  OperatorPages pages(metrics);
  pages.Show(AReport());
  EXPECT_THAT(pages.Get("/").body, HasSubstr("open: calls are refused"));
  EXPECT_EQ(pages.Get("/").content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(json::accept(pages.Get("/statusz.json").body));
  EXPECT_EQ(pages.Get("/statusz.json").content_type, "application/json; charset=utf-8");
  EXPECT_THAT(pages.Get("/metrics").body, HasSubstr("process_open_fds"));
  for (const char* path : {"", "//", "/index.html", "/metrics/", "/statusz", "/healthz/", "*"}) {
    EXPECT_EQ(pages.Get(path).status, "404 Not Found") << path;
  }
}

TEST(OperatorPagesTest, IsHealthyWhileTheProcessServes) {
  const Metrics metrics;
  OperatorPages pages(metrics);
  std::vector<std::string> statuses = {pages.Get("/healthz").status};
  for (const bool is_serving : {true, false}) {
    pages.SetServing(is_serving);
    statuses.push_back(pages.Get("/healthz").status);
  }
  EXPECT_THAT(statuses,
              ElementsAre("503 Service Unavailable", "200 OK", "503 Service Unavailable"));
}

}  // namespace
}  // namespace gateway
