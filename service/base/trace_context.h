#ifndef SERVICE_BASE_TRACE_CONTEXT_H_
#define SERVICE_BASE_TRACE_CONTEXT_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "service/base/random.h"

namespace gateway {

inline constexpr std::string_view kTraceparentHeader = "traceparent";
inline constexpr std::string_view kTracestateHeader = "tracestate";
// What W3C Trace Context asks everybody to pass on. A longer one is dropped.
inline constexpr size_t kMaxTracestateBytes = 512;

// The trace that a piece of work belongs to (W3C Trace Context, Level 1). Its id joins the log
// lines of the systems that the work passes through; it says nothing about a person. A value; it
// holds nothing but hexadecimal digits and printable ASCII, so it may go into a header and a log
// line.
class TraceContext {
 public:
  // What a caller sent. Nothing if `traceparent` is invalid: begin a new trace then. An invalid
  // `tracestate` is dropped; several headers of this name are joined with commas before.
  static std::optional<TraceContext> Parse(std::string_view traceparent,
                                           std::string_view tracestate);

  // 32 lower-case hexadecimal digits.
  std::string_view trace_id() const { return {trace_id_.data(), trace_id_.size()}; }
  // The header of a request that is part of the trace. `span_id` is the request's own, not 0. Of
  // the flags only "sampled" is known, and passed on.
  std::string Traceparent(uint64_t span_id) const;
  // As it came; empty: none.
  const std::string& tracestate() const { return tracestate_; }

 private:
  friend class TraceIds;
  TraceContext() = default;

  std::array<char, 32> trace_id_{};
  bool is_sampled_ = false;
  std::string tracestate_;
};

// Makes new ids: unpredictable enough not to meet those of others, and no secrets. Any thread.
class TraceIds {
 public:
  // Uses `random` only here.
  explicit TraceIds(RandomSource& random);

  // Not sampled: the gateway records no spans, so nobody needs to record some on its account.
  TraceContext NewTrace();
  // Not 0.
  uint64_t NewSpanId();

 private:
  uint64_t Next();

  std::atomic<uint64_t> state_;
  const uint64_t key_;
};

}  // namespace gateway

#endif  // SERVICE_BASE_TRACE_CONTEXT_H_
