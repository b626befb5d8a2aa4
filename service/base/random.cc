#include "service/base/random.h"

#include "absl/random/random.h"

namespace gateway {
namespace {

class SystemRandom final : public RandomSource {
 public:
  double Fraction() override { return absl::Uniform(generator_, 0.0, 1.0); }

 private:
  absl::InsecureBitGen generator_;
};

}  // namespace

std::unique_ptr<RandomSource> MakeSystemRandom() { return std::make_unique<SystemRandom>(); }

}  // namespace gateway
