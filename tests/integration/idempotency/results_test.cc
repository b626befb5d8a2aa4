// Answers that were received or found, and who may hold them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/idempotency/store_contract.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using Busy = RecordStore::KeyHeld;
using VersionConflict = RecordStore::VersionConflict;

TEST_P(StoreContractTest, StoresAReceivedAnswerWhateverBecameOfTheRecord) {
  for (const RecordState state : {RecordState::kClaimed, RecordState::kSent, RecordState::kNoEffect,
                                  RecordState::kInconclusive}) {
    const std::string id = absl::StrCat("request ", static_cast<int>(state));
    RecordStore::Claim claim = AClaim(id, id);
    // What the sender saw is older than what is there now.
    Record seen = store_->InState(state, claim);
    seen.epoch -= 1;
    seen.state = RecordState::kSent;

    ASSERT_TRUE(store_->StoreResponse(seen, {kApplication, "answer"}).ok());

    const auto done = store_->Find(id);
    ASSERT_TRUE(done.has_value());
    EXPECT_EQ(done->state, RecordState::kDone) << id;
    EXPECT_EQ(done->result.resource_id, kApplication);
    EXPECT_EQ(done->result.contents, "answer");
    EXPECT_EQ(done->result_origin, ResultOrigin::kReceived);
    EXPECT_GT(done->epoch, seen.epoch);
  }
}

TEST_P(StoreContractTest, StoresAReceivedAnswerThoughTheRecordIsGone) {
  const Record sent = store_->InState(RecordState::kSent, AClaim("request", kProfile));
  ASSERT_TRUE(*store_->Remove(sent));

  ASSERT_TRUE(store_->StoreResponse(sent, {kApplication, std::string("\0\xff", 2)}).ok());

  const auto done = store_->Find("request");
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->state, RecordState::kDone);
  EXPECT_EQ(done->result.contents, std::string("\0\xff", 2));
  EXPECT_EQ(done->caller, "caller");
  EXPECT_EQ(done->target, sent.target);
  EXPECT_TRUE(done->baseline.has_value());
  EXPECT_GT(done->expires_at, done->store_now + absl::Hours(23));
}

TEST_P(StoreContractTest, AReceivedAnswerReplacesAFoundOneAndIsNeverReplaced) {
  const Record sent = store_->InState(RecordState::kSent, AClaim("request", kProfile));
  const auto found = store_->StoreReconciled(sent, {kApplication, "found"});
  ASSERT_TRUE(found.ok() && std::holds_alternative<Record>(*found));
  EXPECT_EQ(std::get<Record>(*found).result_origin, ResultOrigin::kReconciled);

  EXPECT_TRUE(*store_->StoreResponse(sent, {"another id", "received"}));
  EXPECT_EQ(store_->Find("request")->result.contents, "received");
  EXPECT_EQ(store_->Find("request")->result.resource_id, "another id");
  EXPECT_EQ(store_->Find("request")->result_origin, ResultOrigin::kReceived);

  EXPECT_FALSE(*store_->StoreResponse(sent, {"a third id", "received again"}));
  EXPECT_EQ(store_->Find("request")->result.contents, "received");
}

TEST_P(StoreContractTest, AReceivedAnswerIsNotGivenToAnIdThatWasBegunForOtherValues) {
  const Record sent = store_->InState(RecordState::kSent, AClaim("request", kProfile));
  ASSERT_TRUE(*store_->Remove(sent));
  RecordStore::Claim anew = AClaim("request", kProfile);
  anew.fingerprint = "other values";
  store_->Claimed(anew);

  ASSERT_TRUE(store_->StoreResponse(sent, {kApplication, "answer"}).ok());

  EXPECT_EQ(store_->Find("request")->state, RecordState::kClaimed);
}

TEST_P(StoreContractTest, StoresAFoundApplication) {
  const Record sent = store_->InState(RecordState::kSent, AClaim("request", kProfile));

  const auto found = store_->StoreReconciled(sent, {kApplication, "answer"});

  ASSERT_TRUE(found.ok()) << found.status();
  const auto* const done = std::get_if<Record>(&*found);
  ASSERT_NE(done, nullptr);
  EXPECT_EQ(done->state, RecordState::kDone);
  EXPECT_EQ(done->epoch, sent.epoch + 1);
  EXPECT_EQ(done->result.resource_id, kApplication);
  EXPECT_EQ(done->result.contents, "answer");
}

TEST_P(StoreContractTest, AFindMayBelongToAnOpenRecordOfTheProfile) {
  for (const RecordState state : {RecordState::kClaimed, RecordState::kSent}) {
    const std::string name = absl::StrCat("open ", static_cast<int>(state));
    const Record undecided =
        store_->InState(RecordState::kInconclusive, AClaim(name + " waits", name));
    store_->InState(state, AClaim(name, name));

    const auto found = store_->StoreReconciled(undecided, {kApplication, "answer"});

    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_TRUE(std::holds_alternative<Busy>(*found));
    EXPECT_EQ(std::get<Busy>(*found).holder.request_id, name);
    EXPECT_EQ(store_->Find(name + " waits")->state, RecordState::kInconclusive);
  }
}

TEST_P(StoreContractTest, AnApplicationIsFoundForOneRecordOnly) {
  const Record undecided = store_->InState(RecordState::kInconclusive, AClaim("first", kProfile));
  const Record sent = store_->InState(RecordState::kSent, AClaim("second", kProfile));
  // Received: the unique index on found ones says nothing about it.
  ASSERT_TRUE(store_->StoreResponse(sent, {kApplication, "received"}).ok());

  const auto found = store_->StoreReconciled(undecided, {kApplication, "found"});

  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(std::holds_alternative<VersionConflict>(*found));
  EXPECT_EQ(store_->Find("first")->state, RecordState::kInconclusive);
}

// The list was another profile's, then or now. If that were a lost race, it would be lost each time
// that somebody looks, and the profile blocked for as long.
TEST_P(StoreContractTest, AnApplicationThatWasFoundOnAnotherProfileIsContested) {
  const Record other = store_->InState(RecordState::kInconclusive, AClaim("first", kOtherProfile));
  const auto first = store_->StoreReconciled(other, {kApplication, "found"});
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(std::holds_alternative<Record>(*first));
  const Record sent = store_->InState(RecordState::kSent, AClaim("second", kProfile));

  const auto found = store_->StoreReconciled(sent, {kApplication, "found"});

  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(std::holds_alternative<RecordStore::Contested>(*found));
  EXPECT_EQ(store_->Find("second")->state, RecordState::kSent);
}

TEST_P(StoreContractTest, OneOfManyRecordsGetsAFoundApplication) {
  std::vector<Record> undecided;
  undecided.reserve(kRacers);
  for (int i = 0; i < kRacers; ++i) {
    // Whose baseline is younger than any attempt contests nothing.
    const Record claimed = store_->Claimed(AClaim(absl::StrCat("request ", i), kProfile));
    const Record sent = store_->Changed(
        claimed, {.state = RecordState::kSent,
                  .conclusive_after = kNone,
                  .first_baseline = Baseline{.read_at = claimed.store_now + absl::Hours(1)}});
    undecided.push_back(store_->Changed(sent, {.state = RecordState::kInconclusive}));
  }

  const auto results = AllAtOnce(*loop_, kRacers, [&](int i) {
    return (*store_)->StoreReconciled(undecided[static_cast<size_t>(i)], {kApplication, "answer"},
                                      Soon());
  });

  int finders = 0;
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    if (std::holds_alternative<Record>(*result)) {
      ++finders;
    } else {
      EXPECT_TRUE(std::holds_alternative<VersionConflict>(*result));
    }
  }
  EXPECT_EQ(finders, 1);
}

TEST_P(StoreContractTest, NamesWhatIsAttributedToOtherRecordsOfTheKey) {
  const auto hold = [this](const char* request_id, const char* profile, const char* application) {
    const Record record = store_->Claimed(AClaim(request_id, profile));
    ASSERT_TRUE(store_->StoreResponse(record, {application, "answer"}).ok());
  };
  hold("first", kProfile, "application-1");
  hold("second", kProfile, "application-2");
  hold("third", kOtherProfile, "application-3");
  store_->Claimed(AClaim("open", kProfile));

  EXPECT_THAT(store_->AttributedIds(kProfile, "open"),
              UnorderedElementsAre("application-1", "application-2"));
  EXPECT_THAT(store_->AttributedIds(kProfile, "first"), ElementsAre("application-2"));
}

}  // namespace
}  // namespace gateway
