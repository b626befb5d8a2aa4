#include "service/observability/process_metrics.h"

#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace gateway {
namespace {

std::string ReadAll(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Seconds since 1970 at which the machine started.
std::optional<double> BootTime() {
  const std::string stat = ReadAll("/proc/stat");
  for (const absl::string_view line : absl::StrSplit(stat, '\n')) {
    double seconds = 0;
    if (line.substr(0, 6) == "btime " && absl::SimpleAtod(line.substr(6), &seconds)) {
      return seconds;
    }
  }
  return std::nullopt;
}

// The fields of /proc/self/stat from the third on: `man 5 proc` counts from one. The second is the
// program's name, in parentheses and with anything inside.
class OwnStat {
 public:
  OwnStat() {
    const std::string text = ReadAll("/proc/self/stat");
    const size_t end_of_name = text.rfind(')');
    if (end_of_name == std::string::npos || end_of_name + 2 > text.size()) return;
    fields_ = absl::StrSplit(text.substr(end_of_name + 2), ' ');
  }

  std::optional<double> Field(size_t number) const {
    constexpr size_t kFirst = 3;
    double value = 0;
    if (number - kFirst >= fields_.size()) return std::nullopt;
    if (!absl::SimpleAtod(fields_[number - kFirst], &value)) return std::nullopt;
    return value;
  }

 private:
  std::vector<std::string> fields_;
};

std::optional<double> OpenDescriptors() {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  if (error) return std::nullopt;
  const auto count = std::distance(begin(entries), end(entries));
  return static_cast<double>(count - 1);  // one of them is this look itself
}

std::optional<double> MaxDescriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

void Append(std::string name, std::string help, prometheus::MetricType type,
            std::optional<double> value, std::vector<prometheus::MetricFamily>& families) {
  if (!value.has_value()) return;
  prometheus::ClientMetric metric;
  if (type == prometheus::MetricType::Counter) {
    metric.counter.value = *value;
  } else {
    metric.gauge.value = *value;
  }
  families.push_back({std::move(name), std::move(help), type, {std::move(metric)}});
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessMetrics::Collect() const {
  constexpr size_t kUserTicks = 14;
  constexpr size_t kSystemTicks = 15;
  constexpr size_t kThreads = 20;
  constexpr size_t kStartTicks = 22;
  constexpr size_t kResidentPages = 24;
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const OwnStat stat;

  std::optional<double> start = stat.Field(kStartTicks);
  const std::optional<double> boot = BootTime();
  if (start.has_value() && boot.has_value()) {
    start = *boot + *start / ticks_per_second;
  } else {
    start.reset();
  }
  std::optional<double> cpu = stat.Field(kUserTicks);
  if (cpu.has_value()) cpu = (*cpu + stat.Field(kSystemTicks).value_or(0)) / ticks_per_second;
  std::optional<double> resident = stat.Field(kResidentPages);
  if (resident.has_value()) *resident *= static_cast<double>(sysconf(_SC_PAGESIZE));

  using enum prometheus::MetricType;
  std::vector<prometheus::MetricFamily> families;
  Append("process_start_time_seconds", "When the process started, since 1970.", Gauge, start,
         families);
  Append("process_cpu_seconds_total", "User and system CPU time spent.", Counter, cpu, families);
  Append("process_resident_memory_bytes", "Resident memory.", Gauge, resident, families);
  Append("process_open_fds", "Open file descriptors.", Gauge, OpenDescriptors(), families);
  Append("process_max_fds", "Maximum number of open file descriptors.", Gauge, MaxDescriptors(),
         families);
  Append("process_threads", "Threads of the process.", Gauge, stat.Field(kThreads), families);
  return families;
}

}  // namespace gateway
