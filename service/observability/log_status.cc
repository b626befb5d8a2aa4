#include "service/observability/log_status.h"

#include <string>

namespace gateway {
namespace {

std::string TextOf(const LoggedProblem& problem) {
  std::string text = problem.level == LogLevel::kError ? "error, " : "warning, ";
  text += problem.count == 1 ? "once, " : std::to_string(problem.count) + " times, last ";
  text += UtcText(problem.last);
  if (!problem.fields.empty()) text += "\n" + problem.fields;
  return text;
}

}  // namespace

void LogStatus::Describe(StatusReport& report) const {
  StatusSection& section = report.Section("Last warnings and errors of the log");
  for (const LoggedProblem& problem : log_.RecentProblems()) {
    section.Add(problem.message, TextOf(problem));
  }
  if (section.items.empty()) section.Add("since the start", "none");
}

}  // namespace gateway
