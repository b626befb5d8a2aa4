#include "service/observability/log.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/pattern_formatter.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "service/observability/descriptor_sink.h"
#include "service/observability/json_text.h"

namespace gateway {
namespace {

// An eighth of a second of one line per call at 15,000 calls a second. The queue allocates all its
// places at once, about 400 bytes each.
constexpr size_t kWaitingLines = 2048;
// How long the end of the process may wait for a reader that takes nothing.
constexpr std::chrono::seconds kLongestEnd{1};
// Longer lines cost their thread one allocation each.
constexpr size_t kUsualLineBytes = 512;
// The payload (%v) holds the members after the time; RFC 3339 in UTC with milliseconds.
constexpr char kLinePattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})";

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};

void AppendValue(const decltype(LogField::value)& value, std::string& out) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    AppendJsonString(*text, out);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    out += std::to_string(*integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    AppendJsonNumber(*number, out);
  } else {
    out += std::get<bool>(value) ? "true" : "false";
  }
}

void AppendMember(std::string_view name, const decltype(LogField::value)& value, std::string& out) {
  if (!out.empty()) out += ',';
  AppendJsonString(name, out);
  out += ':';
  AppendValue(value, out);
}

class NowhereLog final : public Log {
 public:
  bool IsOn(LogLevel) const override { return false; }
  void Write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

class AsyncLog final : public Log {
 public:
  AsyncLog(int descriptor, LogLevel level)
      : level_(level),
        queue_(std::make_shared<spdlog::details::thread_pool>(kWaitingLines, 1, LeaveSignals)),
        sink_(std::make_shared<DescriptorSink>(descriptor, *queue_)),
        logger_(std::make_shared<spdlog::async_logger>(
            "gateway", sink_, queue_, spdlog::async_overflow_policy::overrun_oldest)) {
    sink_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        kLinePattern, spdlog::pattern_time_type::utc, "\n"));
    // Which lines are wanted is decided here, once.
    logger_->set_level(spdlog::level::trace);
  }

  ~AsyncLog() override {
    sink_->GiveUpAt(std::chrono::steady_clock::now() + kLongestEnd);
    logger_->flush();
    // The thread takes what is before the flush, the flush and its own end.
    queue_.reset();
  }

  bool IsOn(LogLevel level) const override { return level >= level_ && level != LogLevel::kOff; }

  void Write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    if (!IsOn(level)) return;
    std::string members;
    members.reserve(kUsualLineBytes);
    AppendMember("level", kLevelNames[static_cast<size_t>(level)], members);
    AppendMember("message", message, members);
    for (const LogField& field : fields) AppendMember(field.name, field.value, members);
    logger_->log(spdlog::level::info, spdlog::string_view_t(members));
  }

 private:
  // Runs first on the writer's thread. The process's signals are for other threads, and a write to
  // a pipe without a reader then gives EPIPE and no SIGPIPE.
  static void LeaveSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
  }

  const LogLevel level_;
  std::shared_ptr<spdlog::details::thread_pool> queue_;  // weakly known to logger_
  const std::shared_ptr<DescriptorSink> sink_;           // shared with logger_
  const std::shared_ptr<spdlog::async_logger> logger_;   // shared with the lines in the queue
};

}  // namespace

std::unique_ptr<Log> Log::ToStandardOutput(LogLevel level) {
  return ToDescriptor(STDOUT_FILENO, level);
}

std::unique_ptr<Log> Log::ToDescriptor(int descriptor, LogLevel level) {
  if (level == LogLevel::kOff) return Nowhere();
  return std::make_unique<AsyncLog>(descriptor, level);
}

std::unique_ptr<Log> Log::Nowhere() { return std::make_unique<NowhereLog>(); }

}  // namespace gateway
