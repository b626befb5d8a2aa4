#include "service/idempotency/unsettled_traces.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "service/base/random.h"

namespace gateway {
namespace {

class UnsettledTracesTest : public testing::Test {
 protected:
  bool Knows(const std::string& request_id) const { return traces_.Find(request_id).has_value(); }

  const std::unique_ptr<RandomSource> random_ = MakeSystemRandom();
  TraceIds ids_{*random_};
  UnsettledTraces traces_;
};

TEST_F(UnsettledTracesTest, KeepTheTraceOfTheCallThatCameFirst) {
  const TraceContext first = ids_.NewTrace();
  traces_.Add("order-1", first);
  traces_.Add("order-1", ids_.NewTrace());
  ASSERT_TRUE(Knows("order-1"));
  EXPECT_EQ(traces_.Find("order-1")->trace_id(), first.trace_id());
}

TEST_F(UnsettledTracesTest, ForgetWhatIsRemoved) {
  traces_.Add("order-1", ids_.NewTrace());
  traces_.Remove("order-1");
  traces_.Remove("order-2");
  EXPECT_FALSE(Knows("order-1"));
  EXPECT_FALSE(Knows("order-2"));
}

TEST_F(UnsettledTracesTest, ForgetTheOldestBeyondTheirLimit) {
  for (size_t i = 0; i <= UnsettledTraces::kMaxTraces; ++i) {
    traces_.Add("order-" + std::to_string(i), ids_.NewTrace());
  }
  EXPECT_FALSE(Knows("order-0"));
  EXPECT_TRUE(Knows("order-1"));
  EXPECT_TRUE(Knows("order-" + std::to_string(UnsettledTraces::kMaxTraces)));
}

}  // namespace
}  // namespace gateway
