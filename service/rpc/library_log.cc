#include "service/rpc/library_log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

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

void Write(std::string_view library, const char* path, int line) {
  const std::lock_guard lock(mutex);
  if (!destination) return;
  destination->messages.Increment({library});
  const auto left_out =
      destination->throttle.Admit(absl::StrCat(path, ":", line), destination->now());
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
void TellOfEnd(std::string_view library, const char* path, int line, std::string_view words) {
  WriteLastWords(
      "the process ends: a library gives up",
      {{"library", library}, {"file", FileName(path)}, {"line", int64_t{line}}, {"detail", words}});
}

void OnGrpcLine(gpr_log_func_args* args) {
  // What follows is source code.
  if (std::string_view(args->message).starts_with("assertion failed: ")) {
    TellOfEnd(kGrpc, args->file, args->line, args->message);
    return;
  }
  Write(kGrpc, args->file, args->line);
}

void OnProtobufLine(google::protobuf::LogLevel level, const char* file, int line,
                    const std::string& /*message*/) {
  if (level == google::protobuf::LOGLEVEL_FATAL) {
    TellOfEnd(kProtobuf, file, line, "fatal");
    return;
  }
  Write(kProtobuf, file, line);
}

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
  gpr_set_log_function(OnGrpcLine);
  google::protobuf::SetLogHandler(OnProtobufLine);
}

LibraryLog::~LibraryLog() {
  const std::lock_guard lock(mutex);
  destination.reset();
}

}  // namespace gateway
