// Claims and changes of records.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tests/integration/idempotency/store_contract.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Busy = RecordStore::KeyHeld;
using VersionConflict = RecordStore::VersionConflict;

INSTANTIATE_TEST_SUITE_P(, StoreContractTest,
                         ::testing::Values(Database::kSqlite, Database::kPostgres),
                         [](const auto& row) {
                           return row.param == Database::kSqlite ? "Sqlite" : "Postgres";
                         });

TEST_P(StoreContractTest, GivesBackAClaimAsItWasMade) {
  RecordStore::Claim claim = AClaim("request", kProfile);
  claim.caller = std::string("spiffe://\0\xff", 11);  // any bytes
  claim.fingerprint = std::string("\x01\x00\xfe", 3);
  claim.operation = "AddProductApplication";
  claim.target = std::string("any \0\xff bytes", 12);

  const Record claimed = store_->Claimed(claim);
  const std::optional<Record> found = store_->Find("request");

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->request_id, "request");
  EXPECT_EQ(found->epoch, claimed.epoch);
  EXPECT_EQ(found->state, RecordState::kClaimed);
  EXPECT_EQ(found->caller, claim.caller);
  EXPECT_EQ(found->fingerprint, claim.fingerprint);
  EXPECT_EQ(found->operation, claim.operation);
  EXPECT_EQ(found->serialization_key, claim.serialization_key);
  EXPECT_EQ(found->target, claim.target);
  EXPECT_EQ(found->lease_until, claimed.lease_until);
  EXPECT_FALSE(found->baseline.has_value());
  EXPECT_FALSE(found->conclusive_at.has_value());
  EXPECT_FALSE(found->sent_at.has_value());
  EXPECT_FALSE(found->was_ambiguous);
  EXPECT_THAT(found->candidate_ids, IsEmpty());
  EXPECT_EQ(found->result.resource_id, "");
  EXPECT_EQ(found->result.contents, "");
  EXPECT_GT(found->expires_at, found->lease_until);
  EXPECT_GE(found->store_now, claimed.store_now);
  EXPECT_GT(found->lease_until, found->store_now);
}

TEST_P(StoreContractTest, FindsNothingUnderAnUnknownId) {
  EXPECT_FALSE(store_->Find("request").has_value());
}

TEST_P(StoreContractTest, BeginsAKnownIdWithWhatIsKnown) {
  const Record claimed = store_->Claimed(AClaim("request", kProfile));
  RecordStore::Claim other = AClaim("request", kOtherProfile);
  other.fingerprint = "other";

  const auto begun = store_->TryClaim(other);

  ASSERT_TRUE(begun.ok()) << begun.status();
  const auto* const known = std::get_if<RecordStore::Exists>(&*begun);
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->record.epoch, claimed.epoch);
  EXPECT_EQ(known->record.fingerprint, "fingerprint");
}

TEST_P(StoreContractTest, AKeyIsHeldWhileARecordIsClaimedOrSent) {
  for (const RecordState state : {RecordState::kClaimed, RecordState::kSent}) {
    const std::string id = absl::StrCat("holder ", static_cast<int>(state));
    const std::string key = absl::StrCat("key ", static_cast<int>(state));
    store_->InState(state, AClaim(id, key));

    const auto begun = store_->TryClaim(AClaim(id + " next", key));

    ASSERT_TRUE(begun.ok()) << begun.status();
    const auto* const busy = std::get_if<Busy>(&*begun);
    ASSERT_NE(busy, nullptr) << id;
    EXPECT_EQ(busy->holder.request_id, id);
  }
}

TEST_P(StoreContractTest, AKeyIsFreeWhenItsRecordsAreNeitherClaimedNorSent) {
  for (const RecordState state : {RecordState::kNoEffect, RecordState::kInconclusive}) {
    store_->InState(state, AClaim(absl::StrCat("was ", static_cast<int>(state)), kProfile));
  }
  const Record done = store_->Claimed(AClaim("done", kProfile));
  ASSERT_TRUE(store_->StoreResponse(done, {kApplication, "answer"}).ok());

  const auto begun = store_->TryClaim(AClaim("request", kProfile));

  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_TRUE(std::holds_alternative<RecordStore::Claimed>(*begun));
}

TEST_P(StoreContractTest, OneOfManyBeginsOfOneIdMakesTheClaim) {
  const auto results = AllAtOnce(*loop_, kRacers, [&](int) {
    return (*store_)->TryClaim(AClaim("request", kProfile), Soon());
  });

  int claims = 0;
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    if (std::holds_alternative<RecordStore::Claimed>(*result)) {
      ++claims;
    } else {
      EXPECT_TRUE(std::holds_alternative<RecordStore::Exists>(*result));
    }
  }
  EXPECT_EQ(claims, 1);
}

TEST_P(StoreContractTest, OneOfManyIdsGetsAProfile) {
  const auto results = AllAtOnce(*loop_, kRacers, [&](int i) {
    return (*store_)->TryClaim(AClaim(absl::StrCat("request ", i), kProfile), Soon());
  });

  int claims = 0;
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    if (std::holds_alternative<RecordStore::Claimed>(*result)) {
      ++claims;
    } else {
      EXPECT_TRUE(std::holds_alternative<Busy>(*result));
    }
  }
  EXPECT_EQ(claims, 1);
}

// Lets the claim go at once if it has got it.
Task<absl::Status> ClaimAndRelease(RecordStore& store, std::string request_id) {
  auto begun = co_await store.TryClaim(AClaim(request_id, kProfile), Soon());
  if (!begun.ok()) co_return begun.status();
  const auto* const claimed = std::get_if<RecordStore::Claimed>(&*begun);
  if (claimed == nullptr) co_return absl::OkStatus();
  auto removed = co_await store.Remove(claimed->record, Soon());
  if (!removed.ok()) co_return removed.status();
  co_return *removed ? absl::OkStatus() : absl::InternalError("somebody removed a held claim");
}

TEST_P(StoreContractTest, ClaimsAndReleasesRaceWithoutAnError) {
  // What keeps a claim from being made may be gone before it can be looked at.
  const auto results = AllAtOnce(*loop_, kRacers, [&](int i) {
    return ClaimAndRelease(**store_, absl::StrCat("request ", i % 3));
  });

  for (const absl::Status& result : results) EXPECT_TRUE(result.ok()) << result;
}

TEST_P(StoreContractTest, AChangeSetsWhatItNamesAndLeavesTheRest) {
  const Record claimed = store_->Claimed(AClaim("request", kProfile));
  const absl::Time sent_at = absl::FromUnixMicros(1'700'000'000'123'456);
  const Baseline baseline = {
      .state = std::string("any \0\xff bytes", 12),
      .read_at = absl::FromUnixMicros(1'600'000'000'123'456),
  };

  const Record sent = store_->Changed(claimed, {.state = RecordState::kSent,
                                                .lease = 2 * kAnHour,
                                                .conclusive_after = 3 * kAnHour,
                                                .first_baseline = baseline,
                                                .sent_at = sent_at,
                                                .was_ambiguous = true});

  EXPECT_EQ(sent.epoch, claimed.epoch + 1);
  EXPECT_EQ(sent.state, RecordState::kSent);
  EXPECT_EQ(sent.baseline, baseline);
  EXPECT_EQ(sent.sent_at, sent_at);
  EXPECT_TRUE(sent.was_ambiguous);
  // The database may look at its clock more than once in a statement.
  ASSERT_TRUE(sent.conclusive_at.has_value());
  EXPECT_LT(absl::AbsDuration(*sent.conclusive_at - sent.lease_until - absl::Hours(1)),
            absl::Seconds(1));
  EXPECT_LT(absl::AbsDuration(sent.lease_until - sent.store_now - absl::Hours(2)),
            absl::Seconds(1));

  const Record undecided = store_->Changed(
      sent,
      {.state = RecordState::kInconclusive, .candidate_ids = std::vector<std::string>{"x", "y"}});

  EXPECT_EQ(undecided.epoch, sent.epoch + 1);
  EXPECT_THAT(undecided.candidate_ids, ElementsAre("x", "y"));
  EXPECT_EQ(undecided.baseline, baseline);
  EXPECT_EQ(undecided.lease_until, sent.lease_until);
  EXPECT_EQ(undecided.conclusive_at, sent.conclusive_at);
  EXPECT_EQ(undecided.sent_at, sent_at);
  EXPECT_TRUE(undecided.was_ambiguous);
  EXPECT_EQ(undecided.caller, claimed.caller);
  EXPECT_EQ(undecided.target, claimed.target);
  EXPECT_GT(undecided.expires_at, claimed.expires_at);
}

TEST_P(StoreContractTest, KeepsTheFirstBaselineForGood) {
  // Empty is a baseline too: nothing was on the profile.
  const Record claimed = store_->Claimed(AClaim("request", kProfile));
  const Record sent =
      store_->Changed(claimed, {.state = RecordState::kSent, .first_baseline = Baseline{}});

  const Record again = store_->Changed(
      sent, {.state = RecordState::kSent,
             .first_baseline = Baseline{.state = "late", .read_at = sent.store_now}});

  EXPECT_EQ(again.baseline, Baseline{});
}

TEST_P(StoreContractTest, WhoeverSawAnOlderVersionHasLostTheRecord) {
  const Record claimed = store_->Claimed(AClaim("request", kProfile));
  const Record sent = store_->Changed(claimed, {.state = RecordState::kSent});
  Record of_other_state = sent;
  of_other_state.state = RecordState::kNoEffect;
  Record of_other_id = sent;
  of_other_id.request_id = "other";

  for (const Record& outdated : {claimed, of_other_state, of_other_id}) {
    const auto changed = store_->Update(outdated, {.state = RecordState::kNoEffect});
    ASSERT_TRUE(changed.ok()) << changed.status();
    EXPECT_TRUE(std::holds_alternative<VersionConflict>(*changed));
    const auto found = store_->StoreReconciled(outdated, {kApplication, "answer"});
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_TRUE(std::holds_alternative<VersionConflict>(*found));
    const auto removed = store_->Remove(outdated);
    ASSERT_TRUE(removed.ok()) << removed.status();
    EXPECT_FALSE(*removed);
  }
  const auto kept = store_->Find("request");
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->state, RecordState::kSent);
  EXPECT_EQ(kept->epoch, sent.epoch);
}

TEST_P(StoreContractTest, AFormerHolderDoesNotKnowARecordThatWasBegunAnew) {
  // The id was released and begun again for other values; the former holder woke up late and would
  // have sent what it was asked for under the new record.
  const Record former = store_->Claimed(AClaim("request", kProfile));
  ASSERT_TRUE(*store_->Remove(former));
  RecordStore::Claim anew = AClaim("request", kProfile);
  anew.fingerprint = "other values";
  store_->Claimed(anew);

  const auto changed = store_->Update(former, {.state = RecordState::kSent});

  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_TRUE(std::holds_alternative<VersionConflict>(*changed));
}

TEST_P(StoreContractTest, ARecordWaitsForAnotherOfItsProfileToBeOpenedAgain) {
  const Record absent = store_->InState(RecordState::kNoEffect, AClaim("absent", kProfile));
  const Record holder = store_->Claimed(AClaim("holder", kProfile));

  const auto busy = store_->Update(absent, {.state = RecordState::kClaimed, .lease = kAnHour});
  ASSERT_TRUE(busy.ok()) << busy.status();
  ASSERT_TRUE(std::holds_alternative<Busy>(*busy));
  EXPECT_EQ(std::get<Busy>(*busy).holder.request_id, "holder");
  EXPECT_EQ(store_->Find("absent")->epoch, absent.epoch);

  ASSERT_TRUE(*store_->Remove(holder));
  const Record opened = store_->Changed(absent, {.state = RecordState::kClaimed, .lease = kAnHour});
  EXPECT_EQ(opened.state, RecordState::kClaimed);
}

TEST_P(StoreContractTest, OneOfManyAbsentRecordsGetsTheirProfile) {
  std::vector<Record> absent;
  absent.reserve(kRacers);
  for (int i = 0; i < kRacers; ++i) {
    absent.push_back(
        store_->InState(RecordState::kNoEffect, AClaim(absl::StrCat("request ", i), kProfile)));
  }

  const auto results = AllAtOnce(*loop_, kRacers, [&](int i) {
    return (*store_)->Update(absent[static_cast<size_t>(i)],
                             {.state = RecordState::kClaimed, .lease = kAnHour}, Soon());
  });

  int opened = 0;
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    if (std::holds_alternative<Record>(*result)) {
      ++opened;
    } else {
      EXPECT_TRUE(std::holds_alternative<Busy>(*result));
    }
  }
  EXPECT_EQ(opened, 1);
}

TEST_P(StoreContractTest, NobodyTakesARecordOverBeforeItsLeaseHasRunOut) {
  const Record held = store_->Claimed(AClaim("request", kProfile));

  const auto early =
      store_->UpdateIfLeaseExpired(held, {.state = RecordState::kClaimed, .lease = kAnHour});

  ASSERT_TRUE(early.ok()) << early.status();
  EXPECT_TRUE(std::holds_alternative<VersionConflict>(*early));
  EXPECT_EQ(store_->Find("request")->epoch, held.epoch);
}

TEST_P(StoreContractTest, OneOfManyTakesARecordOver) {
  RecordStore::Claim claim = AClaim("request", kProfile);
  claim.lease = kNone;
  const Record overdue = store_->Claimed(claim);

  // Its holder wakes up meanwhile, and may still be the one that has it.
  const auto results = AllAtOnce(*loop_, kRacers, [&](int i) {
    const RecordStore::RecordUpdate change{.state = RecordState::kClaimed, .lease = kAnHour};
    return i == kRacers / 2 ? (*store_)->Update(overdue, change, Soon())
                            : (*store_)->UpdateIfLeaseExpired(overdue, change, Soon());
  });

  int takers = 0;
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    if (std::holds_alternative<Record>(*result)) {
      ++takers;
    } else {
      EXPECT_TRUE(std::holds_alternative<VersionConflict>(*result));
    }
  }
  EXPECT_EQ(takers, 1);
  EXPECT_EQ(store_->Find("request")->epoch, overdue.epoch + 1);
}

TEST_P(StoreContractTest, RemovesARecordThatIsAsItWasSeen) {
  const Record claimed = store_->Claimed(AClaim("request", kProfile));

  EXPECT_TRUE(*store_->Remove(claimed));
  EXPECT_FALSE(*store_->Remove(claimed));
  EXPECT_FALSE(store_->Find("request").has_value());
}

}  // namespace
}  // namespace gateway
