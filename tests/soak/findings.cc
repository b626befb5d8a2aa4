#include "tests/soak/findings.h"

#include <cstdio>

namespace gateway::soak {
namespace {

constexpr size_t kMaxKept = 10;

}  // namespace

void Findings::Add(const std::string& kind, const std::string& what) {
  const std::lock_guard lock(mutex_);
  Kind& found = kinds_[kind];
  if (++found.count > kMaxKept) return;
  std::fprintf(stderr, "soak: WRONG: %s: %s\n", kind.c_str(), what.c_str());
  found.first_ones.push_back(what);
}

size_t Findings::count() const {
  const std::lock_guard lock(mutex_);
  size_t sum = 0;
  for (const auto& [kind, found] : kinds_) sum += found.count;
  return sum;
}

std::map<std::string, Findings::Kind> Findings::by_kind() const {
  const std::lock_guard lock(mutex_);
  return kinds_;
}

}  // namespace gateway::soak
