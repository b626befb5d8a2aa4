#ifndef SERVICE_IDEMPOTENCY_UNSETTLED_TRACES_H_
#define SERVICE_IDEMPOTENCY_UNSETTLED_TRACES_H_

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "service/base/trace_context.h"

namespace gateway {

// The traces of calls that ended without knowing what became of their writes, so that the lines of
// whoever finds out join those calls. Of this process alone: in another one, and after a restart, a
// look has a trace of its own. Loop thread only.
class UnsettledTraces {
 public:
  // Beyond it the oldest are forgotten. With the longest ids and tracestates they take 2 MiB.
  static constexpr size_t kMaxTraces = 2000;

  // A write keeps the first one: that is the call that sent it.
  void Add(const std::string& request_id, const TraceContext& trace) {
    if (by_request_id_.contains(request_id)) return;
    if (traces_.size() >= kMaxTraces) {
      by_request_id_.erase(traces_.front().first);
      traces_.pop_front();
    }
    by_request_id_[request_id] = traces_.emplace(traces_.end(), request_id, trace);
  }
  std::optional<TraceContext> Find(const std::string& request_id) const {
    const auto found = by_request_id_.find(request_id);
    if (found == by_request_id_.end()) return std::nullopt;
    return found->second->second;
  }
  void Remove(const std::string& request_id) {
    const auto found = by_request_id_.find(request_id);
    if (found == by_request_id_.end()) return;
    traces_.erase(found->second);
    by_request_id_.erase(found);
  }

 private:
  using Traces = std::list<std::pair<std::string, TraceContext>>;
  Traces traces_;  // the oldest first
  std::unordered_map<std::string, Traces::iterator> by_request_id_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_UNSETTLED_TRACES_H_
