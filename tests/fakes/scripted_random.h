#ifndef TESTS_FAKES_SCRIPTED_RANDOM_H_
#define TESTS_FAKES_SCRIPTED_RANDOM_H_

#include <deque>
#include <utility>

#include "service/base/random.h"

namespace gateway {

// Gives the scripted numbers one after another, then the last one for ever.
class ScriptedRandom final : public RandomSource {
 public:
  explicit ScriptedRandom(std::deque<double> fractions) : fractions_(std::move(fractions)) {}

  double Fraction() override {
    const double fraction = fractions_.front();
    if (fractions_.size() > 1) fractions_.pop_front();
    return fraction;
  }

 private:
  std::deque<double> fractions_;
};

}  // namespace gateway

#endif  // TESTS_FAKES_SCRIPTED_RANDOM_H_
