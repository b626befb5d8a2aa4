#ifndef TESTS_SOAK_TALLY_H_
#define TESTS_SOAK_TALLY_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace gateway::soak {

// What happened how often, by subject. Any thread.
class Tally {
 public:
  using Counts = std::map<std::string, int64_t>;

  void Count(const std::string& subject, const std::string& what) {
    const std::lock_guard lock(mutex_);
    ++subjects_[subject][what];
  }

  Counts Of(const std::string& subject) const {
    const std::lock_guard lock(mutex_);
    const auto found = subjects_.find(subject);
    return found == subjects_.end() ? Counts() : found->second;
  }

  int64_t Sum(const std::string& subject) const {
    int64_t sum = 0;
    for (const auto& [what, count] : Of(subject)) sum += count;
    return sum;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Counts> subjects_;  // guarded by mutex_
};

inline constexpr char kCalls[] = "calls";        // by the manner of calling
inline constexpr char kReplicas[] = "replicas";  // calls by the replica they went to
inline constexpr char kAnswers[] = "answers";    // by code and reason
inline constexpr char kIntents[] = "intents";    // by what became of them
inline constexpr char kFaults[] = "faults";      // by their names
inline constexpr char kEpisodes[] = "episodes";

}  // namespace gateway::soak

#endif  // TESTS_SOAK_TALLY_H_
