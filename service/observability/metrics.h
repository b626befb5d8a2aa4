#ifndef SERVICE_OBSERVABILITY_METRICS_H_
#define SERVICE_OBSERVABILITY_METRICS_H_

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace gateway {

template <typename Metric>
class MetricFamilyCache;

// Whoever counts something has the family that it counts in, which a Metrics makes: a name, and
// labels by whose values its metrics differ. Label values are few and from closed sets: never an
// id, a name or a URL. All of this is safe from any thread, and a family does not outlive its
// Metrics. Counting allocates nothing.
using LabelValues = std::initializer_list<std::string_view>;

class CounterFamily {
 public:
  explicit CounterFamily(MetricFamilyCache<prometheus::Counter>& family) : family_(family) {}
  void Increment(LabelValues values = {}) const;
  void Add(double by, LabelValues values = {}) const;

 private:
  MetricFamilyCache<prometheus::Counter>& family_;
};

// Of durations.
class HistogramFamily {
 public:
  explicit HistogramFamily(MetricFamilyCache<prometheus::Histogram>& family) : family_(family) {}
  void Observe(std::chrono::nanoseconds took, LabelValues values = {}) const;

 private:
  MetricFamilyCache<prometheus::Histogram>& family_;
};

class Gauge {
 public:
  explicit Gauge(MetricFamilyCache<prometheus::Gauge>& family) : family_(family) {}
  void Set(double value, LabelValues values = {}) const;
  // None: it was not given one yet.
  std::optional<double> value(LabelValues values = {}) const;
  void Add(double by) const;

 private:
  MetricFamilyCache<prometheus::Gauge>& family_;
};

// From a refusal of our own up to the longest `max_deadline` that anyone is likely to set. Dense
// around 60 s, Passfort's own limit, and 65 s, the default of `attempt_timeout`.
inline const std::vector<double>& CallSecondsBuckets() {
  static const std::vector<double> buckets = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                              0.25,  0.5,    1,     2.5,  5,     10,   20,
                                              30,    45,     60,    66,   90,    150};
  return buckets;
}

// Everything the gateway counts, as Prometheus text; of its own it has only what is known of the
// process and the build.
class Metrics {
 public:
  using LabelNames = std::initializer_list<const char*>;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Makes a family. Whoever asks for a name again gets the same one.
  CounterFamily AddCounter(const char* name, const char* help, LabelNames labels = {});
  HistogramFamily AddHistogram(const char* name, const char* help, LabelNames labels,
                               const std::vector<double>& buckets = CallSecondsBuckets());
  // It has no value until it is given one.
  Gauge AddGauge(const char* name, const char* help, LabelNames labels = {});

  // The text that GET /metrics answers.
  std::string Text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_METRICS_H_
