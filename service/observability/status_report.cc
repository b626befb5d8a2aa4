#include "service/observability/status_report.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace gateway {

std::string_view StatusLevelName(StatusLevel level) {
  constexpr std::array<std::string_view, 4> kNames = {"", "good", "notice", "bad"};
  return kNames[static_cast<size_t>(level)];
}

void StatusSection::Add(std::string name, std::string value, StatusLevel level) {
  items.push_back({.name = std::move(name), .value = std::move(value), .level = level});
}

void StatusSection::AddTime(std::string name, std::chrono::system_clock::time_point time) {
  Add(std::move(name), UtcText(time));
}

StatusSection& StatusReport::Section(std::string_view title) {
  const auto known = std::ranges::find(sections, title, &StatusSection::title);
  if (known != sections.end()) return *known;
  return sections.emplace_back(StatusSection{.title = std::string(title)});
}

size_t StatusReport::Count(StatusLevel level) const {
  size_t count = 0;
  for (const StatusSection& section : sections) {
    count += static_cast<size_t>(std::ranges::count(section.items, level, &StatusItem::level));
  }
  return count;
}

std::string UtcText(std::chrono::system_clock::time_point time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromChrono(time), absl::UTCTimeZone());
}

void AddUse(std::string name, double used, size_t limit, StatusSection& section) {
  const bool is_near = used >= 0.9 * static_cast<double>(limit);
  section.Add(std::move(name), absl::StrCat(used, " of ", limit),
              is_near ? StatusLevel::kNotice : StatusLevel::kGood);
}

void AddFileState(std::string name, const std::string& error, StatusSection& section) {
  if (error.empty()) return section.Add(std::move(name), "used as it is", StatusLevel::kGood);
  section.Add(std::move(name), "not used as it is now: " + error, StatusLevel::kBad);
}

std::string DurationInWords(std::chrono::seconds duration) {
  constexpr std::array<std::pair<int64_t, const char*>, 4> kUnits = {
      {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}}};
  int64_t left = std::max<int64_t>(duration.count(), 0);
  for (size_t i = 0; i + 1 < kUnits.size(); ++i) {
    const auto [seconds, unit] = kUnits[i];
    if (left < seconds) continue;
    const auto [smaller_seconds, smaller_unit] = kUnits[i + 1];
    return absl::StrCat(left / seconds, unit, " ", left % seconds / smaller_seconds, smaller_unit);
  }
  return absl::StrCat(left, "s");
}

}  // namespace gateway
