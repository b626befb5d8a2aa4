#ifndef SERVICE_BASE_RANDOM_H_
#define SERVICE_BASE_RANDOM_H_

#include <memory>

namespace gateway {

// Where chance comes from: jitter, generated ids. Loop thread only.
class RandomSource {
 public:
  virtual ~RandomSource() = default;

  // Evenly spread over [0, 1).
  virtual double Fraction() = 0;
};

// Seeded by the operating system.
std::unique_ptr<RandomSource> MakeSystemRandom();

}  // namespace gateway

#endif  // SERVICE_BASE_RANDOM_H_
