#ifndef TESTS_SOAK_INTERRUPTION_H_
#define TESTS_SOAK_INTERRUPTION_H_

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <chrono>
#include <cstdio>

namespace gateway::soak {

// SIGINT and SIGTERM, taken when it suits. Made before the first thread starts.
class Interruption {
 public:
  Interruption() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }

  // Waits for `time`, or for the signal; the next one ends the program, and the kernel its
  // children.
  void Wait(std::chrono::milliseconds time) {
    if (came_) return;
    const timespec limit = {.tv_sec = time.count() / 1000,
                            .tv_nsec = time.count() % 1000 * 1'000'000};
    if (sigtimedwait(&signals_, nullptr, &limit) < 0) return;
    came_ = true;
    std::fprintf(stderr, "soak: interrupted; what is open comes to its end\n");
    pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  }
  bool came() const { return came_; }

 private:
  sigset_t signals_;
  bool came_ = false;
};

}  // namespace gateway::soak

#endif  // TESTS_SOAK_INTERRUPTION_H_
