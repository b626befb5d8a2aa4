#ifndef TESTS_SOAK_FINDINGS_H_
#define TESTS_SOAK_FINDINGS_H_

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace gateway::soak {

// What is wrong: promises that were broken, and what leaks. Any thread.
class Findings {
 public:
  struct Kind {
    size_t count = 0;
    std::vector<std::string> first_ones;
  };

  // The first ones of a kind are kept and told on standard error at once, all are counted.
  void Add(const std::string& kind, const std::string& what);

  size_t count() const;
  std::map<std::string, Kind> by_kind() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Kind> kinds_;  // guarded by mutex_
};

}  // namespace gateway::soak

#endif  // TESTS_SOAK_FINDINGS_H_
