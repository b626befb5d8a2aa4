// Compiled into builds with tests only.
#include "service/idempotency/failpoints_from_environment.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace gateway {
namespace {

constexpr char kVariable[] = "GATEWAY_FAILPOINTS";

struct Trigger {
  FailPointId step;
  int signal;
  int countdown;
  std::string line;
};

[[noreturn]] void Die(const std::string& value) {
  std::fprintf(stderr, "%s: cannot read \"%s\"\n", kVariable, value.c_str());
  std::abort();
}

Trigger ParseTrigger(const std::string& text) {
  static const std::map<std::string, FailPointId> steps = {
      {"begin", FailPointId::kBeforeClaim},         {"claimed", FailPointId::kAfterClaim},
      {"intent", FailPointId::kAfterIntent},        {"attempted", FailPointId::kAfterAttempt},
      {"resolving", FailPointId::kBeforeReconcile}, {"release", FailPointId::kBeforeRelease},
      {"finished", FailPointId::kAfterFinish},      {"settling", FailPointId::kBeforeSettle}};
  static const std::map<std::string, int> actions = {{"kill", SIGKILL}, {"stop", SIGSTOP}};
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (parts.size() < 2 || parts.size() > 3) Die(text);
  const auto step = steps.find(parts[0]);
  const auto action = actions.find(parts[1]);
  int countdown = 1;
  const bool has_count =
      parts.size() == 2 || (absl::SimpleAtoi(parts[2], &countdown) && countdown > 0);
  if (step == steps.end() || action == actions.end() || !has_count) Die(text);
  return {.step = step->second,
          .signal = action->second,
          .countdown = countdown,
          .line = absl::StrCat("failpoint: ", parts[0], ":", parts[1], "\n")};
}

}  // namespace

FailPoints FailPointsFromEnvironment() {
  const char* value = std::getenv(kVariable);
  if (value == nullptr || *value == '\0') return {};
  // Shared by the copies of the failpoints that the sessions have: the process counts, not a
  // session.
  const auto triggers = std::make_shared<std::vector<Trigger>>();
  for (const std::string& text : std::vector<std::string>(absl::StrSplit(value, ','))) {
    triggers->push_back(ParseTrigger(text));
  }
  return FailPoints([triggers](FailPointId step, const std::string&) {
    for (Trigger& trigger : *triggers) {
      if (trigger.step != step || --trigger.countdown != 0) continue;
      (void)!write(STDERR_FILENO, trigger.line.data(), trigger.line.size());
      raise(trigger.signal);
    }
  });
}

}  // namespace gateway
