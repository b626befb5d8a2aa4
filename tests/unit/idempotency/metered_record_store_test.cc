// What is counted of a store, beside what it does.

#include "service/idempotency/store/metered_record_store.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>

#include "tests/unit/idempotency/engine_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class MeteredRecordStoreTest : public EngineTest {
 protected:
  const Deadline never_{SteadyTime::max()};
  Metrics metrics_;
  ImmediateExecutor* const statements_ = new ImmediateExecutor(*database_, clock_);
  MeteredRecordStore metered_{
      std::make_unique<SqlRecordStore>(
          std::unique_ptr<SqlExecutor>(statements_), random_,
          SqlRecordStore::Options{.replay_window = 24h, .max_records = 100, .settle_window = 65s}),
      clock_, metrics_};
};

TEST_F(MeteredRecordStoreTest, CountsItsOperationsAndHowLongTheyTake) {
  statements_->fails = [this](const std::string&) {
    clock_.Advance(2ms);
    return ImmediateExecutor::Failure::kNone;
  };
  ASSERT_TRUE(RunToCompletion(metered_.Find(kId, never_)).ok());
  statements_->fails = [](const std::string&) { return ImmediateExecutor::Failure::kBefore; };
  ASSERT_FALSE(RunToCompletion(metered_.Find(kId, never_)).ok());

  const std::string text = metrics_.Text();
  const std::string name = "passfort_gateway_store_operations_total{operation=\"find\",outcome=";
  EXPECT_THAT(text, HasSubstr(name + "\"ok\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "\"unavailable\"} 1\n"));
  const std::string seconds = "passfort_gateway_store_seconds_bucket{operation=\"find\",le=";
  EXPECT_THAT(text, HasSubstr(seconds + "\"0.001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(seconds + "\"0.0025\"} 2\n"));
}

TEST_F(MeteredRecordStoreTest, TellsWhatTheStoreHoldsOnceThatIsKnown) {
  EXPECT_THAT(metrics_.Text(), Not(HasSubstr("passfort_gateway_records")));
  SentElsewhere();
  ASSERT_TRUE(RunToCompletion(metered_.Sweep(never_)).ok());
  EXPECT_THAT(metrics_.Text(), HasSubstr("\npassfort_gateway_records 1\n"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("\npassfort_gateway_unresolved_records 1\n"));
}

}  // namespace
}  // namespace gateway
