#ifndef SERVICE_OBSERVABILITY_DESCRIPTOR_SINK_H_
#define SERVICE_OBSERVABILITY_DESCRIPTOR_SINK_H_

#include <spdlog/async_logger.h>  // thread_pool.h does not stand alone
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace gateway {

// Writes log lines to a descriptor. Lines that wait in the queue together are written together, at
// the latest when no other waits: a line is on its way as soon as the writer gets to it, without a
// timer, and a busy gateway needs fewer system calls than lines.
//
// Used by the one thread of `queue`; `GiveUpAt` by any.
class DescriptorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  // `queue` is used only from its own thread, so it outlives every use. Shared ownership would let
  // that thread be the last owner, which then waits for its own end.
  DescriptorSink(int descriptor, spdlog::details::thread_pool& queue);

  // From then on nothing is waited for, and what the reader does not take is lost.
  void GiveUpAt(std::chrono::steady_clock::time_point at);

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override;

 private:
  void AppendDropReport();
  void Write(std::string_view text);
  // Whether a write would not block.
  bool WaitForRoom();

  const int descriptor_;
  spdlog::details::thread_pool& queue_;
  std::atomic<std::chrono::steady_clock::time_point> give_up_at_;
  size_t reported_drops_ = 0;
  spdlog::memory_buf_t lines_;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_DESCRIPTOR_SINK_H_
