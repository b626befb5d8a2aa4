#ifndef TESTS_INTEGRATION_GATEWAY_SECRECY_LOG_BY_TRACE_H_
#define TESTS_INTEGRATION_GATEWAY_SECRECY_LOG_BY_TRACE_H_

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace gateway {

// What a gateway logged once it served, as somebody reads it who follows the traces of calls.
class LogByTrace {
 public:
  explicit LogByTrace(const std::vector<std::string>& lines) {
    for (const std::string& text : lines) {
      const auto line = nlohmann::json::parse(text, nullptr, false);
      if (line.is_discarded()) {
        ADD_FAILURE() << "no JSON: " << text;
        continue;
      }
      const auto message = line.at("message").get<std::string>();
      is_serving_ = is_serving_ || message == "serving";
      if (!is_serving_) continue;
      const auto trace_id = line.value("trace_id", "");
      ++lines_;
      if (trace_id.empty()) {
        without_trace_.insert(message);
      } else {
        by_trace_[trace_id].push_back(line);
      }
    }
  }

  int lines() const { return lines_; }
  // The messages of the lines that are of no trace.
  const std::set<std::string>& without_trace() const { return without_trace_; }
  // How many calls each trace has lines of. Traces that have other lines only are there with 0.
  std::map<std::string, int> CallsByTrace() const {
    std::map<std::string, int> calls;
    for (const auto& [trace_id, lines] : by_trace_) {
      int& count = calls[trace_id];
      for (const auto& line : lines) count += IsOfCall(line) ? 1 : 0;
    }
    return calls;
  }
  // The line of a trace's call; null if there is none.
  nlohmann::json CallOf(const std::string& trace_id) const {
    for (const auto& line : Of(trace_id)) {
      if (IsOfCall(line)) return line;
    }
    return nullptr;
  }
  // Whether the lines of the trace, or of one that they lead to, say what was wrong at Passfort; or
  // how a write ended that only took longer than its callers waited.
  bool TellsCause(const std::string& trace_id) const {
    std::set<std::string> seen = {trace_id};
    std::vector<std::string> traces = {trace_id};
    while (!traces.empty()) {
      const std::string at = traces.back();
      traces.pop_back();
      for (const auto& line : Of(at)) {
        for (const char* field : {"cause", "http_status", "end"}) {
          if (line.contains(field)) return true;
        }
        const auto next = line.value("write_trace_id", "");
        if (!next.empty() && seen.insert(next).second) traces.push_back(next);
      }
    }
    return false;
  }

 private:
  static bool IsOfCall(const nlohmann::json& line) { return line.at("message") == "call"; }

  const std::vector<nlohmann::json>& Of(const std::string& trace_id) const {
    static const auto& none = *new std::vector<nlohmann::json>();
    const auto found = by_trace_.find(trace_id);
    return found == by_trace_.end() ? none : found->second;
  }

  bool is_serving_ = false;
  std::map<std::string, std::vector<nlohmann::json>> by_trace_;
  int lines_ = 0;
  std::set<std::string> without_trace_;
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_SECRECY_LOG_BY_TRACE_H_
