#ifndef SERVICE_OBSERVABILITY_METRIC_FAMILY_CACHE_H_
#define SERVICE_OBSERVABILITY_METRIC_FAMILY_CACHE_H_

#include <prometheus/family.h>
#include <prometheus/labels.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace gateway {

// The metrics of one family by the values of their labels. Finding a known one takes no lock,
// allocates nothing and builds no string: the family itself would build a map of strings for every
// call. Safe from any thread.
//
// The number of label sets is bounded, whoever chooses them: from kMaxLabelSets on, new ones are
// counted together under kOtherLabel.
template <typename Metric, size_t kLabels>
class MetricFamilyCache {
 public:
  using LabelValues = std::array<std::string_view, kLabels>;
  using LabelNames = std::array<const char*, kLabels>;

  static constexpr size_t kMaxLabelSets = 128;
  static constexpr const char* kOtherLabel = "other";

  // Gives the family a new metric.
  using Add = Metric& (*)(prometheus::Family<Metric>&, const prometheus::Labels&);

  // `family` outlives the table.
  MetricFamilyCache(prometheus::Family<Metric>& family, LabelNames names, Add add)
      : family_(family), names_(names), add_(add) {}

  Metric& For(const LabelValues& values) {
    if (Metric* known = Find(values); known != nullptr) return *known;
    return Insert(values);
  }

 private:
  struct Child {
    std::array<std::string, kLabels> values;
    Metric* metric = nullptr;
  };

  Metric* Find(const LabelValues& values) const {
    const size_t size = size_.load(std::memory_order_acquire);
    for (size_t i = 0; i < size; ++i) {
      if (Matches(children_[i], values)) return children_[i].metric;
    }
    return nullptr;
  }

  static bool Matches(const Child& child, const LabelValues& values) {
    for (size_t label = 0; label < kLabels; ++label) {
      if (child.values[label] != values[label]) return false;
    }
    return true;
  }

  Metric& Insert(const LabelValues& values) {
    const std::lock_guard lock(mutex_);
    if (Metric* known = Find(values); known != nullptr) return *known;
    const size_t size = size_.load(std::memory_order_relaxed);
    if (size == kMaxLabelSets) return OtherChild();
    children_[size].metric = &NewMetric(values);
    for (size_t label = 0; label < kLabels; ++label) {
      children_[size].values[label] = std::string(values[label]);
    }
    size_.store(size + 1, std::memory_order_release);  // from here on it never changes
    return *children_[size].metric;
  }

  Metric& OtherChild() {
    if (other_ == nullptr) {
      LabelValues values;
      values.fill(kOtherLabel);
      other_ = &NewMetric(values);
    }
    return *other_;
  }

  Metric& NewMetric(const LabelValues& values) {
    prometheus::Labels labels;
    for (size_t label = 0; label < kLabels; ++label) {
      labels.emplace(names_[label], std::string(values[label]));
    }
    return add_(family_, labels);
  }

  prometheus::Family<Metric>& family_;
  const LabelNames names_;
  const Add add_;

  std::array<Child, kMaxLabelSets> children_;
  std::atomic<size_t> size_ = 0;  // of children_; those before it are complete
  std::mutex mutex_;              // guards growth and other_
  Metric* other_ = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_METRIC_FAMILY_CACHE_H_
