#include "service/app/callers_watch.h"

#include <string_view>
#include <utility>

namespace gateway {
namespace {

std::string_view DetailOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace

absl::StatusOr<std::unique_ptr<CallersWatch>> CallersWatch::Start(std::string path,
                                                                  CallersFile::Options options,
                                                                  EventLoop& loop, Log& log,
                                                                  Metrics& metrics) {
  auto file = CallersFile::Open(std::move(path), options);
  if (!file.ok()) {
    return absl::InvalidArgumentError("callers_file: " + std::string(DetailOf(file.status())));
  }
  return std::unique_ptr<CallersWatch>(new CallersWatch(*std::move(file), loop, log, metrics));
}

CallersWatch::CallersWatch(std::unique_ptr<CallersFile> file, EventLoop& loop, Log& log,
                           Metrics& metrics)
    : file_(std::move(file)),
      log_(log),
      generation_(metrics.AddGauge(
          "passfort_gateway_callers_file_generation",
          "Which version of the callers file is in force, counted from the start.")),
      looks_(loop, [this] { Look(); }) {}

void CallersWatch::Describe(StatusReport& report) const {
  StatusSection& section = report.Section("Callers");
  section.Add("callers file in force", "number " + std::to_string(file_->generation()) +
                                           " since the start, " + file_->digest());
  AddFileState("callers file", file_->last_error(), section);
}

void CallersWatch::Look() {
  const std::string old_digest = file_->digest();
  const auto changed = file_->Refresh();
  if (!changed.ok()) {
    log_.Error("callers_file: not used, the callers before stay in force",
               {{"detail", DetailOf(changed.status())}, {"callers", old_digest}});
  } else if (*changed == CallersFile::Change::kNew) {
    log_.Info("callers file changed", {{"old", old_digest}, {"callers", file_->digest()}});
  }
  generation_.Set(static_cast<double>(file_->generation()));
}

}  // namespace gateway
