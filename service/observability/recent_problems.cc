#include "service/observability/recent_problems.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <variant>

#include "service/observability/json_text.h"

namespace gateway {
namespace {

// Who called, and the trace: of one call, and not for everybody who sees the page.
constexpr std::array<std::string_view, 3> kOfOneCall = {"caller", "caller_name", "trace_id"};

void AppendValue(const decltype(LogField::value)& value, std::string& out) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    out += *text;
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    out += std::to_string(*integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    AppendJsonNumber(*number, out);
  } else {
    out += std::get<bool>(value) ? "true" : "false";
  }
}

std::string TextOf(std::span<const LogField> fields) {
  std::string text;
  for (const LogField& field : fields) {
    if (std::ranges::find(kOfOneCall, field.name) != kOfOneCall.end()) continue;
    if (!text.empty()) text += "; ";
    text.append(field.name).append(": ");
    AppendValue(field.value, text);
    if (text.size() > RecentProblems::kMaxTextBytes) break;
  }
  text.resize(std::min(text.size(), RecentProblems::kMaxTextBytes));
  return text;
}

}  // namespace

void RecentProblems::Add(LogLevel level, std::string_view message, std::span<const LogField> fields,
                         std::chrono::system_clock::time_point at) {
  message = message.substr(0, kMaxTextBytes);
  std::string text = TextOf(fields);
  const std::lock_guard lock(mutex_);
  const auto same = std::ranges::find(problems_, message, &LoggedProblem::message);
  if (same != problems_.end()) {
    problems_.splice(problems_.begin(), problems_, same);
  } else {
    problems_.push_front({.message = std::string(message)});
    if (problems_.size() > kMaxProblems) problems_.pop_back();
  }
  LoggedProblem& problem = problems_.front();
  problem.level = level;
  problem.fields = std::move(text);
  ++problem.count;
  problem.last = at;
}

std::vector<LoggedProblem> RecentProblems::Get() const {
  const std::lock_guard lock(mutex_);
  return {problems_.begin(), problems_.end()};
}

}  // namespace gateway
