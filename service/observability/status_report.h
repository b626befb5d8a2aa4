#ifndef SERVICE_OBSERVABILITY_STATUS_REPORT_H_
#define SERVICE_OBSERVABILITY_STATUS_REPORT_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

// What the gateway tells an operator of itself at one moment: sections of named values, in the
// order in which they were added.
enum class StatusLevel {
  kFact,    // neither good nor bad, like a setting
  kGood,    // as it should be
  kNotice,  // worth a look
  kBad,     // somebody has to do something
};

// "good", "notice" or "bad"; empty for a fact.
std::string_view StatusLevelName(StatusLevel level);

struct StatusItem {
  std::string name;
  std::string value;
  StatusLevel level = StatusLevel::kFact;
};

struct StatusSection {
  std::string title;
  std::vector<StatusItem> items;

  void Add(std::string name, std::string value, StatusLevel level = StatusLevel::kFact);
  // In UTC, to the second.
  void AddTime(std::string name, std::chrono::system_clock::time_point time);
};

struct StatusReport {
  std::chrono::system_clock::time_point at;
  std::vector<StatusSection> sections;

  // The section of that title, made if there is none. Valid until another one is made.
  StatusSection& Section(std::string_view title);
  size_t Count(StatusLevel level) const;
};

// Whoever knows something that belongs into the report. What it adds may be shown to everybody who
// can reach the metrics port: no key, no id, nothing about a person or a caller's request.
class StatusSource {
 public:
  virtual ~StatusSource() = default;
  // On the event loop's thread, about once a second.
  virtual void Describe(StatusReport& report) const = 0;
};

// "2026-11-28T14:02:03Z"
std::string UtcText(std::chrono::system_clock::time_point time);
// So much of so many: good below nine tenths.
void AddUse(std::string name, double used, size_t limit, StatusSection& section);

// Whether a file is used as it is now; `error` says why not.
void AddFileState(std::string name, const std::string& error, StatusSection& section);

// In the two largest units: "3d 4h", "2m 5s", "0s".
std::string DurationInWords(std::chrono::seconds duration);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_STATUS_REPORT_H_
