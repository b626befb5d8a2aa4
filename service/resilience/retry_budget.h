#ifndef SERVICE_RESILIENCE_RETRY_BUDGET_H_
#define SERVICE_RESILIENCE_RETRY_BUDGET_H_

namespace gateway {

// Is everyone repeating at once? Every call pays a little in and every repeat takes one out, so
// while nothing gets through, repeats stay a fixed share of the calls and do not add to the
// trouble. Loop thread only.
class RetryBudget {
 public:
  struct Options {
    // This many calls earn one repeat: at most 5 % more requests than calls in a long outage.
    int calls_per_retry = 20;
    // Repeats that may be saved up, and are there at the start.
    int max_saved_retries = 10;
  };

  explicit RetryBudget(Options options)
      : options_(options), calls_saved_(options.calls_per_retry * options.max_saved_retries) {}

  void OnCall();
  // Takes one repeat out, or says that none is left.
  [[nodiscard]] bool TryWithdraw();

 private:
  const Options options_;
  int calls_saved_;
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_RETRY_BUDGET_H_
