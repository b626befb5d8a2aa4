#include "service/observability/status_rendering.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "service/observability/json_text.h"

namespace gateway {
namespace {

using std::chrono::seconds;
using Time = std::chrono::system_clock::time_point;

// Names above values on a telephone, beside them where there is room.
constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>passfort-gateway</title>
<style>
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: #fff; color: #1c2127;
  font: 16px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 1.75rem 0 .25rem; }
p { margin: .25rem 0; }
dl { margin: 0; border-top: 1px solid #d5dae0; }
div { padding: .4rem 0; border-bottom: 1px solid #e7eaee; }
dt { color: #4a5461; font-size: .9rem; }
dd { margin: 0; white-space: pre-wrap; }
strong { padding: 0 .4rem; border: 1px solid; border-radius: .25rem; font-size: .85rem; }
.good { color: #14602c; }
.notice { color: #7a4b00; }
.bad { color: #fff; background: #a11212; border-color: #a11212; }
a { color: #0b57a4; }
footer { margin-top: 1.5rem; }
@media (min-width: 40rem) {
  div { display: grid; grid-template-columns: 17rem 1fr; gap: 1rem; align-items: baseline; }
}
</style>
</head>
<body>
)";

void AppendEscaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

// The word says it; the colour only repeats it.
void AppendLevel(StatusLevel level, std::string& out) {
  const std::string_view name = StatusLevelName(level);
  if (name.empty()) return;
  out.append("<strong class=\"").append(name).append("\">").append(name).append("</strong> ");
}

void AppendItem(const StatusItem& item, std::string& out) {
  out += "<div><dt>";
  AppendEscaped(item.name, out);
  out += "</dt><dd>";
  AppendLevel(item.level, out);
  AppendEscaped(item.value, out);
  out += "</dd></div>\n";
}

void AppendSection(const StatusSection& section, std::string& out) {
  out += "<section>\n<h2>";
  AppendEscaped(section.title, out);
  out += "</h2>\n<dl>\n";
  for (const StatusItem& item : section.items) AppendItem(item, out);
  out += "</dl>\n</section>\n";
}

seconds AgeOf(const StatusReport& report, Time now) {
  return std::max(std::chrono::duration_cast<seconds>(now - report.at), seconds(0));
}

bool IsOld(seconds age) { return age > kMaxReportAge; }

std::string AgeText(const StatusReport& report, seconds age) {
  return absl::StrCat(
      "As of ", UtcText(report.at), ", ", DurationInWords(age), " ago.",
      IsOld(age) ? " The event loop stands still: nothing below is newer, and no call is served."
                 : "");
}

// How many items somebody has to look at.
void AppendSummary(const StatusReport& report, std::string& out) {
  const size_t bad = report.Count(StatusLevel::kBad);
  const size_t notices = report.Count(StatusLevel::kNotice);
  const auto append = [&out](StatusLevel level, std::string_view text) {
    out += "<p>";
    AppendLevel(level, out);
    out.append(text).append("</p>\n");
  };
  if (bad > 0) append(StatusLevel::kBad, absl::StrCat(bad, " of the values below"));
  if (notices > 0) append(StatusLevel::kNotice, absl::StrCat(notices, " of the values below"));
  if (bad + notices == 0) append(StatusLevel::kGood, "nothing below needs a look");
}

void AppendJsonMember(std::string_view name, std::string_view value, std::string& out) {
  AppendJsonString(name, out);
  out += ':';
  AppendJsonString(value, out);
}

void AppendJsonItem(const StatusItem& item, std::string& out) {
  out += '{';
  AppendJsonMember("name", item.name, out);
  out += ',';
  AppendJsonMember("value", item.value, out);
  if (item.level != StatusLevel::kFact) {
    out += ',';
    AppendJsonMember("level", StatusLevelName(item.level), out);
  }
  out += '}';
}

void AppendJsonSection(const StatusSection& section, std::string& out) {
  out += '{';
  AppendJsonMember("title", section.title, out);
  out += ",\"items\":[";
  for (const StatusItem& item : section.items) {
    if (&item != &section.items.front()) out += ',';
    AppendJsonItem(item, out);
  }
  out += "]}";
}

}  // namespace

std::string StatusHtml(const StatusReport& report, Time now) {
  std::string out(kHead);
  const seconds age = AgeOf(report, now);
  out += "<h1>passfort-gateway</h1>\n<p>";
  if (IsOld(age)) AppendLevel(StatusLevel::kBad, out);
  out += AgeText(report, age);
  out += "</p>\n";
  AppendSummary(report, out);
  for (const StatusSection& section : report.sections) AppendSection(section, out);
  out +=
      "<footer>The same as <a href=\"/statusz.json\">JSON</a>; <a href=\"/metrics\">metrics</a>; "
      "<a href=\"/healthz\">health</a>.</footer>\n</body>\n</html>\n";
  return out;
}

std::string StatusJson(const StatusReport& report, Time now) {
  std::string out = "{";
  AppendJsonMember("at", UtcText(report.at), out);
  absl::StrAppend(&out, ",\"age_seconds\":", AgeOf(report, now).count(),
                  ",\"bad\":", report.Count(StatusLevel::kBad),
                  ",\"notices\":", report.Count(StatusLevel::kNotice), ",\"sections\":[");
  for (const StatusSection& section : report.sections) {
    if (&section != &report.sections.front()) out += ',';
    AppendJsonSection(section, out);
  }
  out += "]}\n";
  return out;
}

}  // namespace gateway
