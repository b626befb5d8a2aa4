#include "service/observability/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <utility>

#include "service/observability/last_words.h"
#include "service/observability/line_writer.h"
#include "service/observability/log_members.h"
#include "service/observability/recent_problems.h"

namespace gateway {
namespace {

// Longer lines cost their thread one allocation each.
constexpr size_t kUsualLineBytes = 512;
// The payload (%v) holds the members after the time; RFC 3339 in UTC with milliseconds.
constexpr char kLinePattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})";

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};

class NowhereLog final : public Log {
 public:
  bool IsOn(LogLevel) const override { return false; }
  void Write(LogLevel, std::string_view, std::span<const LogField>) override {}
};

std::unique_ptr<spdlog::formatter> MakeLineFormatter() {
  return std::make_unique<spdlog::pattern_formatter>(kLinePattern, spdlog::pattern_time_type::utc,
                                                     "\n");
}

std::string DropReport(size_t dropped) {
  const std::string members =
      "\"level\":\"warn\",\"message\":\"log lines dropped, the reader is too slow\",\"lines\":" +
      std::to_string(dropped);
  spdlog::memory_buf_t line;
  MakeLineFormatter()->format(
      spdlog::details::log_msg(spdlog::string_view_t(), spdlog::level::warn, members), line);
  return {line.data(), line.size()};
}

// Gives each line, once it has its time, to a LineWriter.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  LineSink(int descriptor, CounterFamily dropped) : writer_(descriptor, DropReport, dropped) {
    set_formatter(MakeLineFormatter());
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    line_.clear();
    formatter_->format(message, line_);
    writer_.Add({line_.data(), line_.size()}, message.level >= spdlog::level::err
                                                  ? LineWriter::Urgency::kNow
                                                  : LineWriter::Urgency::kSoon);
  }
  void flush_() override {}

 private:
  spdlog::memory_buf_t line_;  // kept for its capacity
  LineWriter writer_;
};

class DescriptorLog final : public Log {
 public:
  DescriptorLog(int descriptor, LogLevel level, CounterFamily dropped)
      : level_(level), logger_("gateway", std::make_shared<LineSink>(descriptor, dropped)) {
    // Which lines are wanted is decided here, once.
    logger_.set_level(spdlog::level::trace);
    // Or it would write what went wrong to standard error in its own form.
    logger_.set_error_handler([](const std::string&) { WriteLastWords("a log line is lost"); });
  }

  bool IsOn(LogLevel level) const override { return level >= level_ && level != LogLevel::kOff; }

  void Write(LogLevel level, std::string_view message, std::span<const LogField> fields) override {
    if (!IsOn(level)) return;
    std::string members;
    members.reserve(kUsualLineBytes);
    AppendLogMember({"level", kLevelNames[static_cast<size_t>(level)]}, members);
    AppendLogMember({"message", message}, members);
    for (const LogField& field : fields) AppendLogMember(field, members);
    logger_.log(level == LogLevel::kError ? spdlog::level::err : spdlog::level::info,
                spdlog::string_view_t(members));
    if (level >= LogLevel::kWarn) {
      problems_.Add(level, message, fields, std::chrono::system_clock::now());
    }
  }

  std::vector<LoggedProblem> RecentProblems() const override { return problems_.Get(); }

 private:
  const LogLevel level_;
  spdlog::logger logger_;
  gateway::RecentProblems problems_;
};

}  // namespace

std::unique_ptr<Log> Log::ToStandardOutput(LogLevel level, Metrics& metrics) {
  return ToDescriptor(STDOUT_FILENO, level, metrics);
}

std::unique_ptr<Log> Log::ToDescriptor(int descriptor, LogLevel level, Metrics& metrics) {
  const CounterFamily dropped =
      metrics.AddCounter("passfort_gateway_log_lines_dropped_total",
                         "Log lines that were dropped because the reader was too slow.");
  if (level == LogLevel::kOff) return Discard();
  return std::make_unique<DescriptorLog>(descriptor, level, dropped);
}

std::unique_ptr<Log> Log::Discard() { return std::make_unique<NowhereLog>(); }

}  // namespace gateway
