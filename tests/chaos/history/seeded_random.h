#ifndef TESTS_CHAOS_HISTORY_SEEDED_RANDOM_H_
#define TESTS_CHAOS_HISTORY_SEEDED_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "service/base/deadline.h"
#include "service/base/random.h"

namespace gateway::history {

// All that is random in a history, from one seed. SplitMix64: a new history costs no set-up, unlike
// with the standard library's large generators.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double Fraction() override { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  bool Happens(double probability) { return Fraction() < probability; }
  // 0 to `count` - 1.
  size_t Below(size_t count) { return static_cast<size_t>(Next() % count); }
  // Both ends included.
  Milliseconds Between(Milliseconds least, Milliseconds most) {
    const auto span = static_cast<uint64_t>((most - least).count()) + 1;
    return least + Milliseconds(static_cast<Milliseconds::rep>(Next() % span));
  }
  template <typename T>
  const T& OneOf(const std::vector<T>& things) {
    return things[Below(things.size())];
  }

 private:
  uint64_t state_;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_SEEDED_RANDOM_H_
