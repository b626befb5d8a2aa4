#ifndef SERVICE_OBSERVABILITY_LINE_WRITER_H_
#define SERVICE_OBSERVABILITY_LINE_WRITER_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "service/observability/metrics.h"

namespace gateway {

// Writes lines to a descriptor on a thread of its own, so that a slow reader holds nobody up. Lines
// are gathered for a moment and written together: a thread that is woken up for each one would cost
// more than the line itself. Nothing runs while there are no lines. Safe from any thread.
class LineWriter {
 public:
  // How long a line may wait for others.
  static constexpr std::chrono::milliseconds kGatherFor{10};
  // A second of one line per call at some 7,000 calls a second. When the reader is slower, the
  // oldest half is dropped.
  static constexpr size_t kMaxWaitingBytes = 1024 * 1024;
  // How long the end may wait for a reader that takes nothing.
  static constexpr std::chrono::seconds kMaxEnd{1};

  // The line that says how many lines were dropped, with its line break.
  using DropReport = std::string (*)(size_t dropped);

  // `descriptor` outlives the writer. Every line that is dropped is counted in `dropped`.
  LineWriter(int descriptor, DropReport drop_report, CounterFamily dropped);
  // Writes what is left.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  enum class Urgency { kSoon, kNow };

  // `line` ends with its only line break.
  void Add(std::string_view line, Urgency urgency);

 private:
  enum class State { kIdle, kGathering, kWriting };

  void Run();
  void Write(std::string_view text);
  // Whether a write would not block.
  bool WaitForRoom();

  const int descriptor_;
  const DropReport drop_report_;
  const CounterFamily all_dropped_;
  std::atomic<std::chrono::steady_clock::time_point> give_up_at_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;         // guarded by mutex_
  size_t dropped_ = 0;          // guarded by mutex_
  bool is_urgent_ = false;      // guarded by mutex_
  bool is_ending_ = false;      // guarded by mutex_
  State state_ = State::kIdle;  // of the thread; guarded by mutex_

  std::thread thread_;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_LINE_WRITER_H_
