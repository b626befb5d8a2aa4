#ifndef TESTS_UNIT_CALLERS_CALLERS_ORACLE_H_
#define TESTS_UNIT_CALLERS_CALLERS_ORACLE_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "service/callers/caller_entry.h"
#include "service/callers/callers_reader.h"

namespace gateway {

// A second reading of callers files, as slow and plain as can be, to compare the gateway's with.
class CallersOracle {
 public:
  // Nothing if the file has to be refused.
  static std::optional<CallersOracle> Read(std::string_view text, const CallersLimits& limits);

  // The caller's name and limits with all that is left out filled in; null: it is refused.
  nlohmann::json Find(const std::string& principal) const;

 private:
  CallersOracle(nlohmann::json file, size_t max_in_flight)
      : file_(std::move(file)), max_in_flight_(max_in_flight) {}

  nlohmann::json file_;
  size_t max_in_flight_;
};

// An entry as CallersOracle::Find() gives it.
nlohmann::json AsJson(const CallerEntry* entry);

}  // namespace gateway

#endif  // TESTS_UNIT_CALLERS_CALLERS_ORACLE_H_
