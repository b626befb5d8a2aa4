#include "service/observability/line_writer.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace gateway {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How often a writer that waits for its reader looks whether the log is ending.
constexpr int kBlockedCheckMilliseconds = 50;

// The process's signals are for other threads, and a write to a pipe without a reader then gives
// EPIPE and no SIGPIPE.
void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

// Cuts the older half off; returns how many lines that were.
size_t DropOldest(std::string& lines) {
  const size_t cut = lines.find('\n', lines.size() / 2) + 1;
  const auto end = lines.begin() + static_cast<std::ptrdiff_t>(cut);
  const auto dropped = std::count(lines.begin(), end, '\n');
  lines.erase(lines.begin(), end);
  return static_cast<size_t>(dropped);
}

}  // namespace

LineWriter::LineWriter(int descriptor, DropReport drop_report, CounterFamily dropped)
    : descriptor_(descriptor),
      drop_report_(drop_report),
      all_dropped_(dropped),
      give_up_at_(SteadyClock::time_point::max()),
      thread_([this] {
        BlockSignals();
        pthread_setname_np(pthread_self(), "log");
        Run();
      }) {}

LineWriter::~LineWriter() {
  give_up_at_ = SteadyClock::now() + kMaxEnd;
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LineWriter::Add(std::string_view line, Urgency urgency) {
  bool wake_up = false;
  {
    const std::lock_guard lock(mutex_);
    waiting_ += line;
    if (waiting_.size() > kMaxWaitingBytes) {
      const size_t dropped = DropOldest(waiting_);
      dropped_ += dropped;
      all_dropped_.Add(static_cast<double>(dropped));
    }
    if (urgency == Urgency::kNow) is_urgent_ = true;
    wake_up = state_ == State::kIdle || (is_urgent_ && state_ == State::kGathering);
  }
  if (wake_up) changed_.notify_one();
}

void LineWriter::Run() {
  std::string text;
  std::unique_lock lock(mutex_);
  for (;;) {
    state_ = State::kIdle;
    changed_.wait(lock, [this] { return !waiting_.empty() || is_ending_; });
    state_ = State::kGathering;
    changed_.wait_for(lock, kGatherFor, [this] { return is_urgent_ || is_ending_; });
    state_ = State::kWriting;
    is_urgent_ = false;
    text.swap(waiting_);
    if (dropped_ > 0) text.insert(0, drop_report_(dropped_));
    dropped_ = 0;
    const bool is_last = is_ending_;
    lock.unlock();
    Write(text);
    text.clear();
    lock.lock();
    // What was added while the last ones were written belongs to them.
    if (is_last && waiting_.empty()) return;
  }
}

void LineWriter::Write(std::string_view text) {
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

bool LineWriter::WaitForRoom() {
  pollfd room = {.fd = descriptor_, .events = POLLOUT, .revents = 0};
  for (;;) {
    const bool give_up = SteadyClock::now() >= give_up_at_.load();
    if (poll(&room, 1, give_up ? 0 : kBlockedCheckMilliseconds) > 0) return true;
    if (give_up) return false;
  }
}

}  // namespace gateway
