#include "service/observability/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>
#include <utility>

#include "service/base/version.h"
#include "service/observability/grpc_refusals.h"
#include "service/observability/metric_family_cache.h"
#include "service/observability/process_metrics.h"

namespace gateway {
namespace {

template <typename Metric>
using FamiliesByName = std::map<std::string, MetricFamilyCache<Metric>>;

}  // namespace

struct Metrics::Families {
  // The family of a name, made by `build` the first time. `arguments` are what each of its metrics
  // is made of.
  template <typename Metric, typename Builder, typename... Arguments>
  MetricFamilyCache<Metric>& Add(FamiliesByName<Metric>& families, Builder build, const char* name,
                                 const char* help, LabelNames labels, Arguments... arguments) {
    const std::lock_guard lock(mutex);
    auto& family = build.Name(name).Help(help).Register(*registry);
    return families
        .try_emplace(name, std::vector<std::string>(labels.begin(), labels.end()),
                     [&family, arguments...](const prometheus::Labels& with) -> Metric& {
                       return family.Add(with, arguments...);
                     })
        .first->second;
  }

  // Both are shared with the server's request that collects from them when they go.
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  std::shared_ptr<ProcessMetrics> process = std::make_shared<ProcessMetrics>();

  std::mutex mutex;
  FamiliesByName<prometheus::Counter> counters;      // guarded by mutex
  FamiliesByName<prometheus::Histogram> histograms;  // guarded by mutex
  FamiliesByName<prometheus::Gauge> gauges;          // guarded by mutex
};

void CounterFamily::Increment(LabelValues values) const { family_.For(values).Increment(); }

void CounterFamily::Add(double by, LabelValues values) const { family_.For(values).Increment(by); }

void HistogramFamily::Observe(std::chrono::nanoseconds took, LabelValues values) const {
  family_.For(values).Observe(std::chrono::duration<double>(took).count());
}

void Gauge::Set(double value, LabelValues values) const { family_.For(values).Set(value); }

std::optional<double> Gauge::value(LabelValues values) const {
  const prometheus::Gauge* const known = family_.Find(values);
  return known == nullptr ? std::nullopt : std::optional(known->Value());
}

void Gauge::Add(double by) const { family_.For({}).Increment(by); }

Metrics::Metrics() : families_(std::make_unique<Families>()) {
  prometheus::BuildGauge()
      .Name("passfort_gateway_build_info")
      .Help("Always 1; the version is in the label.")
      .Register(*families_->registry)
      .Add({{"version", kVersion}})
      .Set(1);
}

Metrics::~Metrics() = default;

CounterFamily Metrics::AddCounter(const char* name, const char* help, LabelNames labels) {
  auto& family =
      families_->Add(families_->counters, prometheus::BuildCounter(), name, help, labels);
  if (labels.size() == 0) family.For({});  // from the beginning, at 0
  return CounterFamily(family);
}

HistogramFamily Metrics::AddHistogram(const char* name, const char* help, LabelNames labels,
                                      const std::vector<double>& buckets) {
  return HistogramFamily(families_->Add(families_->histograms, prometheus::BuildHistogram(), name,
                                        help, labels, buckets));
}

Gauge Metrics::AddGauge(const char* name, const char* help, LabelNames labels) {
  return Gauge(families_->Add(families_->gauges, prometheus::BuildGauge(), name, help, labels));
}

std::string Metrics::Text() const {
  std::vector<prometheus::MetricFamily> families = families_->registry->Collect();
  for (const auto& more : {families_->process->Collect(), CollectGrpcRefusals()}) {
    families.insert(families.end(), more.begin(), more.end());
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace gateway
