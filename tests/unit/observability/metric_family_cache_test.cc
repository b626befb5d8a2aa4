#include "service/observability/metric_family_cache.h"

#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <string>
#include <thread>
#include <vector>

namespace gateway {
namespace {

using prometheus::Counter;
using Table = MetricFamilyCache<Counter>;

class MetricFamilyCacheTest : public testing::Test {
 protected:
  size_t LabelSets() const { return family_.Collect().at(0).metric.size(); }

  prometheus::Registry registry_;
  prometheus::Family<Counter>& family_ =
      prometheus::BuildCounter().Name("calls_total").Register(registry_);
  Table table_{{"method", "code"}, [this](const prometheus::Labels& labels) -> Counter& {
                 return family_.Add(labels);
               }};
};

TEST_F(MetricFamilyCacheTest, GivesEqualLabelsTheSameMetric) {
  Counter& ok = table_.For({"Add", "OK"});
  EXPECT_EQ(&table_.For({"Add", std::string("OK")}), &ok);
  EXPECT_NE(&table_.For({"Add", "UNKNOWN"}), &ok);
  EXPECT_NE(&table_.For({"Get", "OK"}), &ok);
  EXPECT_NE(&table_.For({"AddO", "K"}), &ok);
  EXPECT_EQ(LabelSets(), 4u);
}

TEST_F(MetricFamilyCacheTest, CountsTogetherWhatIsTooMuch) {
  for (size_t i = 0; i < 2 * Table::kMaxLabelSets; ++i) {
    table_.For({"Add", std::to_string(i)}).Increment();
  }
  EXPECT_EQ(LabelSets(), Table::kMaxLabelSets + 1);
  EXPECT_EQ(table_.For({"Add", "one more"}).Value(), Table::kMaxLabelSets);
  EXPECT_EQ(table_.For({"Add", "0"}).Value(), 1);
}

TEST_F(MetricFamilyCacheTest, LosesNothingWhenThreadsMeet) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2'000;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([this] {
        for (int i = 0; i < kRounds; ++i) table_.For({"Add", std::to_string(i % 50)}).Increment();
      });
    }
  }
  double sum = 0;
  const auto families = family_.Collect();
  for (const auto& metric : families.at(0).metric) sum += metric.counter.value;
  EXPECT_EQ(LabelSets(), 50u);
  EXPECT_EQ(sum, kThreads * kRounds);
}

}  // namespace
}  // namespace gateway
