#ifndef SERVICE_RESILIENCE_BACKOFF_H_
#define SERVICE_RESILIENCE_BACKOFF_H_

#include "service/base/deadline.h"
#include "service/base/random.h"

namespace gateway {

// How long to wait before a retry: exponential with full jitter, so that calls that failed together
// do not come back together.
class Backoff {
 public:
  struct Options {
    Milliseconds initial{50};
    Milliseconds max{2000};
  };

  // `random` outlives the Backoff.
  Backoff(Options options, RandomSource& random) : options_(options), random_(random) {}

  // Evenly spread between nothing and `initial` doubled by every earlier wait, up to `max`.
  Milliseconds Next();

 private:
  const Options options_;
  RandomSource& random_;
  Milliseconds ceiling_{0};
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_BACKOFF_H_
