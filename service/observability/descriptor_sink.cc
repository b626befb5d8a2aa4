#include "service/observability/descriptor_sink.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace gateway {
namespace {

// Enough to make system calls rare in a burst, little enough to lose nothing worth keeping.
constexpr size_t kLargestBatch = 64 * 1024;
// How often a writer that waits for its reader looks whether the log is ending.
constexpr int kBlockedCheckMilliseconds = 50;

}  // namespace

DescriptorSink::DescriptorSink(int descriptor, spdlog::details::thread_pool& queue)
    : descriptor_(descriptor),
      queue_(queue),
      give_up_at_(std::chrono::steady_clock::time_point::max()) {}

void DescriptorSink::GiveUpAt(std::chrono::steady_clock::time_point at) { give_up_at_ = at; }

void DescriptorSink::sink_it_(const spdlog::details::log_msg& message) {
  formatter_->format(message, lines_);
  if (lines_.size() >= kLargestBatch || queue_.queue_size() == 0) flush_();
}

void DescriptorSink::flush_() {
  AppendDropReport();
  Write({lines_.data(), lines_.size()});
  lines_.clear();
}

void DescriptorSink::AppendDropReport() {
  const size_t dropped = queue_.overrun_counter();
  if (dropped == reported_drops_) return;
  const std::string members =
      "\"level\":\"warn\",\"message\":\"log lines dropped, the reader is too slow\",\"lines\":" +
      std::to_string(dropped - reported_drops_);
  reported_drops_ = dropped;
  formatter_->format(spdlog::details::log_msg(std::chrono::system_clock::now(), {}, {},
                                              spdlog::level::warn, members),
                     lines_);
}

void DescriptorSink::Write(std::string_view text) {
  while (!text.empty()) {
    if (!WaitForRoom()) return;
    // A pipe that reports room takes PIPE_BUF bytes at once; a longer write could block, which
    // nothing could end. O_NONBLOCK is no way out: it would change the terminal or pipe for every
    // process that shares it.
    const ssize_t written =
        write(descriptor_, text.data(), std::min<size_t>(text.size(), PIPE_BUF));
    if (written > 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return;  // a closed pipe or a full disk: there is nobody to tell
    }
  }
}

bool DescriptorSink::WaitForRoom() {
  pollfd room = {.fd = descriptor_, .events = POLLOUT, .revents = 0};
  for (;;) {
    const bool give_up = std::chrono::steady_clock::now() >= give_up_at_.load();
    if (poll(&room, 1, give_up ? 0 : kBlockedCheckMilliseconds) > 0) return true;
    if (give_up) return false;
  }
}

}  // namespace gateway
