#include "tests/soak/growth.h"

#include <algorithm>
#include <cstddef>

namespace gateway::soak {
namespace {

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Of so many equal parts the one with this number, from 0 on.
std::vector<double> Part(const std::vector<double>& samples, size_t parts, size_t number) {
  const auto at = [&](size_t end) {
    return samples.begin() + static_cast<std::ptrdiff_t>(samples.size() * end / parts);
  };
  return {at(number), at(number + 1)};
}

}  // namespace

std::optional<Growth> JudgeGrowth(const std::vector<double>& samples, GrowthTolerance tolerance) {
  if (samples.size() < kMinSamples) return std::nullopt;
  Growth growth{.warm = Median(Part(samples, 5, 1)), .end = Median(Part(samples, 5, 4))};
  growth.is_too_much = growth.grown() > std::max(tolerance.absolute, tolerance.share * growth.warm);
  return growth;
}

std::vector<double> Course(const std::vector<double>& samples) {
  constexpr size_t kParts = 10;
  std::vector<double> course;
  if (samples.size() < kMinSamples) return course;
  for (size_t i = 0; i < kParts; ++i) course.push_back(Median(Part(samples, kParts, i)));
  return course;
}

}  // namespace gateway::soak
