#include "service/resilience/backoff.h"

#include <algorithm>

namespace gateway {

Milliseconds Backoff::Next() {
  ceiling_ = ceiling_ == Milliseconds(0) ? options_.initial : ceiling_ * 2;
  ceiling_ = std::min(ceiling_, options_.max);
  return std::chrono::duration_cast<Milliseconds>(ceiling_ * random_.Fraction());
}

}  // namespace gateway
