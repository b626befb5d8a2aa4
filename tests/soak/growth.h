#ifndef TESTS_SOAK_GROWTH_H_
#define TESTS_SOAK_GROWTH_H_

#include <cstddef>
#include <optional>
#include <vector>

namespace gateway::soak {

// What a figure may grow by under a steady load: the larger of the two.
struct GrowthTolerance {
  double absolute = 0;
  double share = 0;  // of the level after the warm-up
};

// How a figure went that was looked at in even steps. The first fifth is the warm-up: pools, caches
// and arenas fill.
struct Growth {
  double warm = 0;  // the median of the second fifth
  double end = 0;   // the median of the last fifth
  bool is_too_much = false;

  double grown() const { return end - warm; }
};

// Medians, so that a peak (an outage, in which calls pile up) is no growth. Nothing if there are
// too few samples to tell.
std::optional<Growth> JudgeGrowth(const std::vector<double>& samples, GrowthTolerance tolerance);

// The medians of ten equal parts: where a figure grew, and where it stopped to.
std::vector<double> Course(const std::vector<double>& samples);

inline constexpr size_t kMinSamples = 25;

}  // namespace gateway::soak

#endif  // TESTS_SOAK_GROWTH_H_
