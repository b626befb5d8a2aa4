#ifndef SERVICE_OBSERVABILITY_METRIC_FAMILY_CACHE_H_
#define SERVICE_OBSERVABILITY_METRIC_FAMILY_CACHE_H_

#include <prometheus/labels.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "service/observability/metrics.h"

namespace gateway {

// The metrics of one family by the values of their labels. Finding a known one takes no lock,
// allocates nothing and builds no string: the family itself would build a map of strings for every
// call. Safe from any thread.
//
// The number of label sets is bounded, whoever chooses them: from kMaxLabelSets on, new ones are
// counted together under kOtherLabel.
template <typename Metric>
class MetricFamilyCache {
 public:
  static constexpr size_t kMaxLabelSets = 512;
  static constexpr const char* kOtherLabel = "other";

  // Gives the family a new metric.
  using Add = std::function<Metric&(const prometheus::Labels&)>;

  MetricFamilyCache(std::vector<std::string> names, Add add)
      : names_(std::move(names)), add_(std::move(add)) {}

  // As many values as there are names.
  Metric& For(LabelValues values) {
    if (Metric* known = Find(values); known != nullptr) return *known;
    return Insert(values);
  }
  // Null: there is none of these yet.
  Metric* Find(LabelValues values) const {
    const size_t size = size_.load(std::memory_order_acquire);
    for (size_t i = 0; i < size; ++i) {
      if (std::ranges::equal(children_[i]->values, values)) return &children_[i]->metric;
    }
    return nullptr;
  }

 private:
  struct Child {
    std::vector<std::string> values;
    Metric& metric;
  };

  Metric& Insert(LabelValues values) {
    const std::lock_guard lock(mutex_);
    if (Metric* known = Find(values); known != nullptr) return *known;
    const size_t size = size_.load(std::memory_order_relaxed);
    if (size == kMaxLabelSets) return OtherChild();
    std::vector<std::string> copies(values.begin(), values.end());
    Metric& metric = NewMetric(copies);
    children_[size] = std::make_unique<const Child>(std::move(copies), metric);
    size_.store(size + 1, std::memory_order_release);  // from here on it never changes
    return metric;
  }

  Metric& OtherChild() {
    if (other_ == nullptr)
      other_ = &NewMetric(std::vector<std::string>(names_.size(), kOtherLabel));
    return *other_;
  }

  Metric& NewMetric(const std::vector<std::string>& values) {
    prometheus::Labels labels;
    for (size_t i = 0; i < names_.size(); ++i) labels.emplace(names_[i], values[i]);
    return add_(labels);
  }

  const std::vector<std::string> names_;
  const Add add_;

  std::array<std::unique_ptr<const Child>, kMaxLabelSets> children_;
  std::atomic<size_t> size_ = 0;  // of children_; those before it are complete
  std::mutex mutex_;              // guards growth and other_
  Metric* other_ = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_METRIC_FAMILY_CACHE_H_
