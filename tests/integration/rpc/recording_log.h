#ifndef TESTS_INTEGRATION_RPC_RECORDING_LOG_H_
#define TESTS_INTEGRATION_RPC_RECORDING_LOG_H_

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "service/observability/log.h"
#include "tests/integration/rpc/scripted_writer.h"

namespace gateway {

// Keeps the lines in memory, as "message name=value name=value"; numbers and flags without value.
class RecordingLog final : public Log {
 public:
  bool IsOn(LogLevel) const override { return true; }
  void Write(LogLevel, std::string_view message, std::span<const LogField> fields) override {
    std::string line(message);
    for (const auto& [name, value] : fields) {
      absl::StrAppend(&line, " ", std::string(name));
      if (const auto* text = std::get_if<std::string_view>(&value)) {
        absl::StrAppend(&line, "=", std::string(*text));
      }
      if (const auto* number = std::get_if<int64_t>(&value)) absl::StrAppend(&line, "=", *number);
    }
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }

  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

  void WaitForLine(const std::string& part) const {
    std::unique_lock lock(mutex_);
    const auto has_line = [&] {
      for (const auto& line : lines_) {
        if (absl::StrContains(line, part)) return true;
      }
      return false;
    };
    EXPECT_TRUE(changed_.wait_for(lock, kTestBound, has_line))
        << "waited for a log line with: " << part;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<std::string> lines_;  // guarded by mutex_
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_RPC_RECORDING_LOG_H_
