#include "tests/soak/replica.h"

#include <csignal>
#include <utility>

#include "tests/soak/fault_catalog.h"

namespace gateway::soak {
namespace {

constexpr size_t kMaxLastWords = 60;

// The text of a member of a log line; empty if there is none.
std::string TextOf(const std::string& line, const std::string& member) {
  const std::string start = "\"" + member + "\":\"";
  const size_t at = line.find(start);
  if (at == std::string::npos) return "";
  const size_t begin = at + start.size();
  return line.substr(begin, line.find('"', begin) - begin);
}

}  // namespace

Replica::Replica(std::string name, GatewayProcess::Settings settings, Findings& findings)
    : name_(std::move(name)), settings_(std::move(settings)), findings_(findings) {
  Start();
}

Replica::View Replica::Look() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

Replica::Ending Replica::CutShortBy(const View& before) const {
  const std::lock_guard lock(mutex_);
  if (before.ending == Ending::kKilled || now_.killed != before.killed) return Ending::kKilled;
  if (before.ending == Ending::kDrained || now_.drained != before.drained) return Ending::kDrained;
  return Ending::kNone;
}

void Replica::Stop(int signal) {
  const bool is_kill = signal == SIGKILL;
  {
    const std::lock_guard lock(mutex_);
    now_.ending = is_kill ? Ending::kKilled : Ending::kDrained;
    ++(is_kill ? now_.killed : now_.drained);
  }
  process_->Signal(signal);
  Finish(is_kill ? -SIGKILL : 0);
}

void Replica::Start() {
  process_ = std::make_unique<GatewayProcess>(settings_);
  auto caller = std::make_shared<const GatewayCaller>(process_->target());
  const std::lock_guard lock(mutex_);
  now_.caller = std::move(caller);
  now_.ending = Ending::kNone;
}

void Replica::Restart(int signal) {
  Stop(signal);
  Start();
  ++restarts_;
}

ProcessSample Replica::Sample() {
  if (const auto sample = SampleProcess(process_->pid())) return *sample;
  {
    const std::lock_guard lock(mutex_);
    now_.ending = Ending::kKilled;
    ++now_.killed;
  }
  findings_.Add("a gateway ended", name_ + " ended by itself");
  Finish(0);
  Start();
  return {};
}

void Replica::ReadLog() {
  for (std::string& line : process_->TakeLogLines()) {
    if (line.find(settings_.api_key) != std::string::npos) {
      findings_.Add("a secret in the log", name_ + " logged the API key");
    }
    if (line.find(kPersonCanary) != std::string::npos) {
      findings_.Add("a secret in the log",
                    name_ + " logged words of Passfort that may be about a person");
    }
    if (!line.starts_with('{')) {
      last_words_.push_back(std::move(line));
      if (last_words_.size() > kMaxLastWords) last_words_.pop_front();
      continue;
    }
    const std::string level = TextOf(line, "level");
    if (level != "info" && level != "debug") ++complaints_[level + ": " + TextOf(line, "message")];
  }
}

void Replica::Finish(int expected_exit) {
  const std::optional<int> exit_code = process_->WaitForExit();
  ReadLog();
  if (exit_code == expected_exit && last_words_.empty()) return;
  std::string words = name_ + (exit_code ? " ended with exit code " + std::to_string(*exit_code)
                                         : std::string(" did not end after SIGTERM"));
  for (const std::string& line : last_words_) words += "\n    " + line;
  last_words_.clear();
  findings_.Add("a gateway ended", words);
}

}  // namespace gateway::soak
