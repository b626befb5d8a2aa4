// What runs out, what is full and what is too large.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/integration/idempotency/store_contract.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;

TEST_P(StoreContractTest, NamesSentRecordsByTheEndOfTheirLease) {
  const auto send = [this](const char* request_id, Milliseconds lease) {
    const Record claimed = store_->Claimed(AClaim(request_id, request_id));
    store_->Changed(claimed, {.state = RecordState::kSent, .lease = lease});
  };
  send("held", kAnHour);
  send("younger", -Milliseconds(1000));
  send("oldest", -Milliseconds(3000));
  send("older", -Milliseconds(2000));
  RecordStore::Claim claim = AClaim("claimed", "claimed");
  claim.lease = kNone;
  store_->Claimed(claim);

  EXPECT_THAT(store_->SentIds(10), ElementsAre("oldest", "older", "younger", "held"));
  EXPECT_THAT(store_->SentIds(2), ElementsAre("oldest", "older"));
  const Record older = *store_->Find("older");
  EXPECT_THAT(store_->SentIds(2, {older.lease_until, "older"}), ElementsAre("younger", "held"));
  EXPECT_THAT(store_->SentIds(1, {older.lease_until, "old"}), ElementsAre("older"));
}

TEST_P(StoreContractTest, SweepsWhatHasExpiredAndKeepsWhatMayHaveBeenDone) {
  StoreOptions options = AnOptions();
  store_->Claimed(AClaim("young", "profile 1"));
  options.records.replay_window = kNone;
  Open(std::move(options));
  const bool claims_are_void = GetParam() == Database::kSqlite;
  store_->InState(RecordState::kSent, AClaim("sent", "profile 2"));
  store_->InState(RecordState::kNoEffect, AClaim("absent", "profile 3"));
  store_->InState(RecordState::kInconclusive, AClaim("inconclusive", "profile 4"));
  const Record done = store_->Claimed(AClaim("done", "profile 5"));
  ASSERT_TRUE(store_->StoreResponse(done, {kApplication, "answer"}).ok());

  // Reopened, so that what becomes inconclusive stays for its own window.
  Open();
  const RecordStore::SweepResult swept = store_->Sweep();

  EXPECT_EQ(swept.inconclusive, 1);
  EXPECT_EQ(swept.expired, 3);
  EXPECT_EQ(swept.records, claims_are_void ? 1 : 2);
  EXPECT_EQ(swept.open.inconclusive, 1);
  EXPECT_EQ(store_->Find("sent")->state, RecordState::kInconclusive);
  EXPECT_FALSE(store_->Find("absent").has_value());
  EXPECT_FALSE(store_->Find("inconclusive").has_value());
  EXPECT_FALSE(store_->Find("done").has_value());
}

// A person settles it, by looking; a request_id that is forgotten before would write again.
TEST_P(StoreContractTest, KeepsWhatNothingWillEverShowThirtyTimesAsLong) {
  const auto kept_for = [this](const char* request_id,
                               std::optional<Milliseconds> conclusive_after) {
    const Record claimed = store_->Claimed(AClaim(request_id, request_id));
    const Record sent = store_->Changed(claimed, {.state = RecordState::kSent,
                                                  .lease = kAnHour,
                                                  .conclusive_after = conclusive_after,
                                                  .first_baseline = Baseline{}});
    return store_->Changed(sent, {.state = RecordState::kInconclusive}).expires_at - absl::Now();
  };
  constexpr absl::Duration kWindow = absl::Hours(24);  // AnOptions
  EXPECT_LE(kept_for("shown", kAnHour), kWindow);
  const absl::Duration unknown = kept_for("unknown", std::nullopt);
  EXPECT_LE(unknown, 30 * kWindow);
  EXPECT_GT(unknown, 30 * kWindow - absl::Hours(1));
}

TEST_P(StoreContractTest, SweepsABoundedPartAtATime) {
  constexpr int kRecords = 501;  // one more than a sweep takes
  StoreOptions options = AnOptions();
  options.records.replay_window = kNone;
  Open(std::move(options));
  AllAtOnce(*loop_, kRecords, [&](int i) {
    return (*store_)->TryClaim(AClaim(absl::StrCat("request ", i), absl::StrCat("profile ", i)),
                               Soon());
  });

  const RecordStore::SweepResult first = store_->Sweep();
  EXPECT_EQ(first.expired, kRecords - 1);
  EXPECT_TRUE(first.has_more);
  const RecordStore::SweepResult rest = store_->Sweep();
  EXPECT_EQ(rest.expired, 1);
  EXPECT_FALSE(rest.has_more);
  EXPECT_EQ(rest.records, 0);
}

TEST_P(StoreContractTest, AFullStoreRefusesNewIdsOnly) {
  StoreOptions options = AnOptions();
  options.records.max_records = 2;
  Open(std::move(options));
  const Record first = store_->InState(RecordState::kSent, AClaim("first", "profile 1"));
  const Record second = store_->Claimed(AClaim("second", "profile 2"));

  auto refused = store_->TryClaim(AClaim("third", "profile 3"));
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_TRUE(std::holds_alternative<RecordStore::Full>(*refused));
  auto known = store_->TryClaim(AClaim("second", "profile 2"));
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_TRUE(std::holds_alternative<RecordStore::Exists>(*known));
  EXPECT_TRUE(store_->StoreResponse(first, {kApplication, "answer"}).ok());

  ASSERT_TRUE(*store_->Remove(second));
  auto fits = store_->TryClaim(AClaim("third", "profile 3"));
  ASSERT_TRUE(fits.ok()) << fits.status();
  EXPECT_TRUE(std::holds_alternative<RecordStore::Claimed>(*fits));
}

TEST_P(StoreContractTest, CountsTheRecordsThatWereThereBefore) {
  store_->InState(RecordState::kSent, AClaim("first", "profile 1"));
  StoreOptions options = AnOptions();
  options.records.max_records = 1;
  Open(std::move(options));

  const auto refused = store_->TryClaim(AClaim("second", "profile 2"));

  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_TRUE(std::holds_alternative<RecordStore::Full>(*refused));
}

TEST_P(StoreContractTest, BeginsNothingAfterTheDeadline) {
  store_->Sweep();  // connects, and counts the records

  const auto late =
      store_->TryClaim(AClaim("request", kProfile), Deadline(std::chrono::steady_clock::now()));

  EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
  EXPECT_FALSE(store_->Find("request").has_value());
}

TEST_P(StoreContractTest, RefusesWhatWouldMakeARecordTooLarge) {
  RecordStore::Claim claim = AClaim("request", kProfile);
  claim.caller = std::string(100'000, 'x');
  EXPECT_TRUE(absl::IsResourceExhausted(store_->TryClaim(claim).status()));

  const Record sent = store_->InState(RecordState::kSent, AClaim("request", kProfile));
  std::string large;
  large.resize(20'000'000, 'x');
  EXPECT_TRUE(absl::IsResourceExhausted(store_->StoreResponse(sent, {"id", large}).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(store_->StoreReconciled(sent, {large, "answer"}).status()));
  const RecordStore::RecordUpdate change{.state = RecordState::kSent,
                                         .first_baseline = Baseline{.state = large}};
  EXPECT_TRUE(absl::IsResourceExhausted(store_->Update(sent, change).status()));
}

TEST_P(StoreContractTest, KeepsTheLargestAnswer) {
  const Record sent = store_->InState(RecordState::kSent, AClaim("request", kProfile));
  std::string answer(4 * 1024 * 1024, '\0');
  for (size_t i = 0; i < answer.size(); ++i) answer[i] = static_cast<char>(i * 7919 >> 8);

  ASSERT_TRUE(store_->StoreResponse(sent, {kApplication, answer}).ok());

  EXPECT_EQ(store_->Find("request")->result.contents, answer);
}

}  // namespace
}  // namespace gateway
