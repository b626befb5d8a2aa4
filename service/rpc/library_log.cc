#include "service/rpc/library_log.h"

#if __has_include(<google/protobuf/stubs/logging.h>)
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#else
#include <absl/log/globals.h>
#include <absl/log/initialize.h>
#include <absl/log/log_sink.h>
#include <absl/log/log_sink_registry.h>
#endif

#include <cassert>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "service/observability/last_words.h"
#include "service/observability/log_throttle.h"

namespace gateway {
namespace {

constexpr std::string_view kGrpc = "gRPC";
constexpr std::string_view kProtobuf = "Protocol Buffers";

struct Destination {
  Log& log;
  CounterFamily messages;
  SteadyTime (*now)();
  LogThrottle throttle = {};  // by place
};

// Threads of gRPC may write at any time, also while a LibraryLog goes.
std::mutex mutex;
std::optional<Destination> destination;  // guarded by mutex

std::string_view FileName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // the whole of it if there is no slash
}

void Write(std::string_view library, std::string_view path, int line) {
  const std::lock_guard lock(mutex);
  if (!destination) return;
  destination->messages.Increment({library});
  const auto left_out =
      destination->throttle.Admit(absl::StrCat(std::string(path), ":", line), destination->now());
  if (!left_out) return;
  const LogField fields[] = {{"library", library},
                             {"file", FileName(path)},
                             {"line", int64_t{line}},
                             {"left_out", *left_out}};
  destination->log.Write(
      LogLevel::kWarn,
      "a library found a fault; its own words are not shown, since they may hold what callers sent",
      fields);
}

// The last words of a process, which have to leave at once.
void ReportEnd(std::string_view library, std::string_view path, int line, std::string_view words) {
  WriteLastWords(
      "the process ends: a library gives up",
      {{"library", library}, {"file", FileName(path)}, {"line", int64_t{line}}, {"detail", words}});
}

#if __has_include(<google/protobuf/stubs/logging.h>)

void OnGrpcLine(gpr_log_func_args* args) {
  // What follows is source code.
  if (std::string_view(args->message).starts_with("assertion failed: ")) {
    ReportEnd(kGrpc, args->file, args->line, args->message);
    return;
  }
  Write(kGrpc, args->file, args->line);
}

void OnProtobufLine(google::protobuf::LogLevel level, const char* file, int line,
                    const std::string& /*message*/) {
  if (level == google::protobuf::LOGLEVEL_FATAL) {
    ReportEnd(kProtobuf, file, line, "fatal");
    return;
  }
  Write(kProtobuf, file, line);
}

void TakeTheirLines() {
  gpr_set_log_function(OnGrpcLine);
  google::protobuf::SetLogHandler(OnProtobufLine);
}

#else  // newer versions of both write through abseil

class AbseilLines final : public absl::LogSink {
 public:
  void Send(const absl::LogEntry& entry) override {
    const std::string_view path = entry.source_filename();
    const std::string_view library =
        path.find("google/protobuf/") == std::string_view::npos ? kGrpc : kProtobuf;
    if (entry.log_severity() == absl::LogSeverity::kFatal) {
      ReportEnd(library, path, entry.source_line(), "fatal");
      return;
    }
    Write(library, path, entry.source_line());
  }
};

void TakeTheirLines() {
  // Once in a process, and for as long as it lives.
  [[maybe_unused]] static const bool is_done = [] {
    absl::AddLogSink(new AbseilLines);
    absl::SetStderrThreshold(absl::LogSeverityAtLeast::kInfinity);
    absl::InitializeLog();  // until then abseil writes all lines to standard error
    return true;
  }();
}

#endif

}  // namespace

LibraryLog::LibraryLog(Log& log, Metrics& metrics, SteadyTime (*now)()) {
  const CounterFamily messages = metrics.AddCounter(
      "passfort_gateway_library_messages_total",
      "Messages of gRPC and Protocol Buffers about faults, with those that have no log line.",
      {"library"});
  {
    const std::lock_guard lock(mutex);
    assert(!destination);
    destination.emplace(log, messages, now);
  }
  TakeTheirLines();
}

LibraryLog::~LibraryLog() {
  const std::lock_guard lock(mutex);
  destination.reset();
}

}  // namespace gateway
