#include "service/app/process_status.h"

#include <utility>

#include "service/base/version.h"

namespace gateway {

ProcessStatus::ProcessStatus(Options options)
    : options_(std::move(options)),
      started_(std::chrono::system_clock::now()),
      counts_from_(std::chrono::steady_clock::now()) {}

void ProcessStatus::Describe(StatusReport& report) const {
  StatusSection& section = report.Section("Process");
  section.Add("version", std::string(kVersion));
  section.Add("gRPC", options_.grpc);
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now() - counts_from_);
  section.Add("runs since", UtcText(started_) + ", for " + DurationInWords(uptime));
  section.Add("callers are known", options_.callers);
  report.Section("Store").Add("kind", options_.store);
}

}  // namespace gateway
