#ifndef TESTS_SOAK_REPORT_H_
#define TESTS_SOAK_REPORT_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/soak/findings.h"
#include "tests/soak/growth.h"
#include "tests/soak/process_sample.h"
#include "tests/soak/tally.h"

namespace gateway::soak {

// What is told of one replica.
struct ReplicaReport {
  std::string name;
  int restarts = 0;
  ProcessSample idle_before;
  ProcessSample peak;  // of each figure by itself
  ProcessSample idle_after;
  // Of the memory under the load; nothing for one that was restarted, or after a short run.
  std::optional<Growth> anonymous_kib;
  std::optional<Growth> resident_kib;
  std::vector<double> course;  // of RssAnon under the load, in KiB
  int64_t calls = 0;
  std::map<std::string, int> complaints;
};

struct Report {
  uint32_t seed = 0;
  std::string gateway;  // its program
  std::chrono::seconds wanted{0};
  std::chrono::seconds lasted{0};
  GrowthTolerance memory_tolerance;
  bool was_interrupted = false;
  int applications = 0;
  std::vector<ReplicaReport> replicas;
};

// In Markdown.
std::string Written(const Report& report, const Tally& tally, const Findings& findings);

}  // namespace gateway::soak

#endif  // TESTS_SOAK_REPORT_H_
