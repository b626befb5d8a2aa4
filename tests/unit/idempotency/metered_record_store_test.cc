// What is counted of a store, beside what it does.

#include "service/idempotency/store/metered_record_store.h"

#include <gmock/gmock.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tests/unit/idempotency/engine_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class MeteredRecordStoreTest : public EngineTest {
 protected:
  const Deadline never_{SteadyTime::max()};
  // Each as "level message detail".
  class Lines final : public Log {
   public:
    std::vector<std::string> lines;

    bool IsOn(LogLevel) const override { return true; }
    void Write(LogLevel level, std::string_view message,
               std::span<const LogField> fields) override {
      std::string line(level == LogLevel::kError ? "error " : "info ");
      line += message;
      for (const LogField& field : fields) {
        line.append(" ").append(std::get<std::string_view>(field.value));
      }
      lines.push_back(std::move(line));
    }
  };

  absl::Status Find() { return RunToCompletion(metered_.Find(kId, never_)).status(); }

  Lines lines_;
  Metrics metrics_;
  ImmediateExecutor* const statements_ = new ImmediateExecutor(*database_, clock_);
  MeteredRecordStore metered_{
      std::make_unique<SqlRecordStore>(
          std::unique_ptr<SqlExecutor>(statements_), random_,
          SqlRecordStore::Options{.replay_window = 24h, .max_records = 100, .settle_window = 65s}),
      clock_, metrics_, lines_};
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
  const std::string open = "\npassfort_gateway_open_records{state=";
  EXPECT_THAT(metrics_.Text(), HasSubstr(open + "\"in_flight\"} 1\n"));
  EXPECT_THAT(metrics_.Text(), HasSubstr(open + "\"unresolved\"} 0\n"));
  EXPECT_THAT(metrics_.Text(), HasSubstr(open + "\"inconclusive\"} 0\n"));
}

TEST_F(MeteredRecordStoreTest, LogsOnceThatTheStoreFailsAndThatItIsWellAgain) {
  ASSERT_TRUE(Find().ok());
  EXPECT_THAT(lines_.lines, IsEmpty());
  statements_->fails = [](const std::string&) { return ImmediateExecutor::Failure::kBefore; };
  for (int i = 0; i < 5; ++i) {
    ASSERT_FALSE(Find().ok());
    clock_.Advance(20s);
  }
  EXPECT_THAT(lines_.lines,
              ElementsAre("error the store fails: what needs it is refused, and nothing is sent "
                          "away"));
  statements_->fails = [](const std::string&) { return ImmediateExecutor::Failure::kNone; };
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Find().ok());
  ASSERT_EQ(lines_.lines.size(), 2);
  EXPECT_EQ(lines_.lines.back(), "info the store is available again");
}

class StoreFailuresTest : public MeteredRecordStoreTest {
 protected:
  bool IsShownToFail() const {
    return metrics_.Text().find("\npassfort_gateway_store_failing 1\n") != std::string::npos;
  }

  StoreFailures failures_{clock_, lines_, metrics_};
};

TEST_F(StoreFailuresTest, AnotherFailureHasALineOfItsOwnButNotManyInARow) {
  for (int i = 0; i < 100; ++i) {
    failures_.OnResult(absl::UnavailableError(i % 2 == 0 ? "one" : "other"), 1ms);
  }
  EXPECT_EQ(lines_.lines.size(), 1);
  clock_.Advance(StoreFailures::kBetweenLines);
  failures_.OnResult(absl::InternalError("other"), 1ms);
  EXPECT_EQ(lines_.lines.size(), 2);
}

TEST_F(StoreFailuresTest, OneThatComesAndGoesIsNotToldEachTime) {
  for (int i = 0; i < 100; ++i) {
    failures_.OnResult(absl::UnavailableError("away"), 1ms);
    failures_.OnResult(absl::OkStatus(), 1ms);
  }
  EXPECT_EQ(lines_.lines.size(), 2);
}

TEST_F(StoreFailuresTest, TheGaugeIsUpWhileTheStoreFails) {
  EXPECT_FALSE(IsShownToFail());
  failures_.OnResult(absl::UnavailableError("away"), 1ms);
  EXPECT_TRUE(IsShownToFail());
  failures_.OnResult(absl::ResourceExhaustedError("too large"), 1ms);
  EXPECT_TRUE(IsShownToFail()) << "that is no sign of its health";
  failures_.OnResult(absl::OkStatus(), 1ms);
  EXPECT_FALSE(IsShownToFail());
  failures_.OnResult(absl::UnavailableError("away"), 1ms);
  EXPECT_TRUE(IsShownToFail()) << "although no line says so again so soon";
}

TEST_F(StoreFailuresTest, WhoHadNoTimeSaysNothingOfTheStore) {
  failures_.OnResult(absl::DeadlineExceededError("late"), 999ms);
  failures_.OnResult(absl::ResourceExhaustedError("too large"), 1ms);
  EXPECT_THAT(lines_.lines, IsEmpty());
  failures_.OnResult(absl::DeadlineExceededError("late"), 1s);
  EXPECT_EQ(lines_.lines.size(), 1);
  failures_.OnResult(absl::ResourceExhaustedError("too large"), 1ms);
  EXPECT_EQ(lines_.lines.size(), 1) << "that is no sign of its health";
}

}  // namespace
}  // namespace gateway
