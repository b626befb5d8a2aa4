// What one look at a list makes of a record, and what is stored of an application.

#include "service/idempotency/reconciler.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/manual_clock.h"
#include "tests/fakes/run_to_completion.h"

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Reconciliation::Kind;

// One record, which nobody else changes.
class OneRecordStore final : public RecordStore {
 public:
  Record record;
  std::vector<std::string> held;
  bool is_contested = false;

  Task<absl::StatusOr<std::optional<Record>>> Find(std::string, Deadline) override {
    co_return record;
  }
  Task<absl::StatusOr<UpdateResult>> Update(Record, RecordUpdate change, Deadline) override {
    record.state = change.state;
    if (change.candidate_ids) record.candidate_ids = *change.candidate_ids;
    co_return record;
  }
  Task<absl::StatusOr<FoundResult>> StoreReconciled(Record, StoredResult answer,
                                                    Deadline) override {
    if (is_contested) co_return Contested{};
    record.state = RecordState::kDone;
    record.application_id = answer.application_id;
    record.answer = answer.application;
    co_return record;
  }
  Task<absl::StatusOr<std::vector<std::string>>> AttributedIds(std::string, std::string,
                                                               Deadline) override {
    co_return held;
  }

  Task<absl::StatusOr<ClaimResult>> TryClaim(Claim, Deadline) override { std::abort(); }
  Task<absl::StatusOr<UpdateResult>> UpdateIfLeaseExpired(Record, RecordUpdate, Deadline) override {
    std::abort();
  }
  Task<absl::StatusOr<bool>> Remove(Record, Deadline) override { std::abort(); }
  Task<absl::Status> StoreResponse(Record, StoredResult, Deadline) override { std::abort(); }
  Task<absl::StatusOr<std::vector<Record>>> ListSent(Cursor, int, Deadline) override {
    std::abort();
  }
  Task<absl::StatusOr<SweepResult>> Sweep(Deadline) override { std::abort(); }
};

// Has one list.
class ListingPassfort final : public PassfortClient {
 public:
  ListOutcome list;
  Priority priority = Priority::kNormal;  // of the last read

  Task<ListOutcome> ListApplications(std::string, const CallContext& context) override {
    priority = context.priority;
    co_return list;
  }
  Task<WriteAttempt> CreateApplication(const ApplicationDraft&, const CallContext&,
                                       std::optional<BootTime>) override {
    std::abort();
  }
  Task<bool> Probe(const CallContext&) override { std::abort(); }
};

ListedApplication Listed(std::string id, std::string alias = "forexo_basic") {
  const std::string json = R"({"id": ")" + id + R"("})";
  return {.id = std::move(id), .product_alias = std::move(alias), .json = json};
}

class SettlementTest : public testing::Test {
 protected:
  SettlementTest() {
    store_.record = {.request_id = "order-1",
                     .state = RecordState::kSent,
                     .draft = {.product_alias = "forexo_basic"},
                     .baseline = Baseline{.ids = {"before"}}};
    store_.record.store_now = absl::UnixEpoch() + absl::Hours(1);
    SetQuietIn(absl::ZeroDuration());
  }

  void SetQuietIn(absl::Duration left) {
    store_.record.conclusive_at = store_.record.store_now + left;
  }

  Reconciliation Reconcile(ApplicationList list, Absence absence = Absence::kToBeProven) {
    passfort_.list = std::move(list);
    return RunToCompletion(reconciler_.Reconcile(store_.record, {}, absence));
  }

  ManualClock clock_;
  OneRecordStore store_;
  ListingPassfort passfort_;
  Reconciler reconciler_{{}, store_, passfort_, clock_};
};

TEST_F(SettlementTest, AWholeListThatShowsNothingProvesThatNothingWasDone) {
  EXPECT_EQ(Reconcile({.applications = {Listed("before")}}).kind, Kind::kNoEffect);
  EXPECT_EQ(store_.record.state, RecordState::kNoEffect);
}

TEST_F(SettlementTest, OneMatchInAWholeListIsTheOne) {
  EXPECT_EQ(Reconcile({.applications = {Listed("before"), Listed("new")}}).kind, Kind::kTookEffect);
  EXPECT_EQ(store_.record.application_id, "new");
}

// What could not be read may be what we look for. Nothing is sent again, and the profile is free.
TEST_F(SettlementTest, AListThatIsNotWholeProvesNothingAndLeavesTheRecordUndecided) {
  EXPECT_EQ(Reconcile({.applications = {Listed("before")}, .is_complete = false}).kind,
            Kind::kInconclusive);
  EXPECT_EQ(store_.record.state, RecordState::kInconclusive);
  EXPECT_THAT(store_.record.candidate_ids, IsEmpty());
}

TEST_F(SettlementTest, AListThatIsNotWholeIsLookedAtAgainAsLongAsItIsTooEarly) {
  SetQuietIn(absl::Seconds(2));
  const Reconciliation look = Reconcile({.is_complete = false});
  EXPECT_EQ(look.kind, Kind::kTooEarly);
  EXPECT_EQ(look.conclusive_after, std::chrono::seconds(2));
  EXPECT_EQ(store_.record.state, RecordState::kSent);

  EXPECT_EQ(Reconcile({.applications = {Listed("new")}}).kind, Kind::kTookEffect)
      << "a whole one by now";
}

TEST_F(SettlementTest, AMatchInAListThatIsNotWholeIsACandidateOnly) {
  EXPECT_EQ(Reconcile({.applications = {Listed("new")}, .is_complete = false}).kind,
            Kind::kInconclusive);
  EXPECT_THAT(store_.record.candidate_ids, ElementsAre("new"));
}

// It may have been there before, and unreadable.
TEST_F(SettlementTest, AMatchAfterABaselineThatWasNotWholeIsACandidateOnly) {
  store_.record.baseline->is_complete = false;
  EXPECT_EQ(Reconcile({.applications = {Listed("new")}}).kind, Kind::kInconclusive);
  EXPECT_THAT(store_.record.candidate_ids, ElementsAre("new"));
}

TEST_F(SettlementTest, AMatchThatMayBeAnotherRecordsIsACandidateOnly) {
  store_.is_contested = true;
  EXPECT_EQ(Reconcile({.applications = {Listed("new")}}).kind, Kind::kInconclusive);
  EXPECT_THAT(store_.record.candidate_ids, ElementsAre("new"));
}

TEST_F(SettlementTest, AWholeListProvesAbsenceAlsoAfterABaselineThatWasNot) {
  store_.record.baseline->is_complete = false;
  EXPECT_EQ(Reconcile({.applications = {Listed("before")}}).kind, Kind::kNoEffect);
}

TEST_F(SettlementTest, WhatIsKnownToBeAbsentNeedsNoWholeList) {
  EXPECT_EQ(Reconcile({.is_complete = false}, Absence::kKnown).kind, Kind::kNoEffect);
  EXPECT_EQ(store_.record.state, RecordState::kNoEffect);
}

TEST_F(SettlementTest, AnUndecidedRecordStaysSoWhateverAListDoesNotShow) {
  store_.record.state = RecordState::kInconclusive;
  store_.record.candidate_ids = {"gone"};
  EXPECT_EQ(Reconcile({}).kind, Kind::kInconclusive);
  EXPECT_EQ(Reconcile({.is_complete = false}).kind, Kind::kInconclusive);
  EXPECT_THAT(store_.record.candidate_ids, ElementsAre("gone"));
}

TEST_F(SettlementTest, AnUndecidedRecordThatWasOnlyUnreadableIsFoundOnceItIsReadable) {
  Reconcile({.is_complete = false});
  ASSERT_EQ(store_.record.state, RecordState::kInconclusive);
  EXPECT_EQ(Reconcile({.applications = {Listed("new")}}).kind, Kind::kTookEffect);
}

TEST_F(SettlementTest, ItsReadGoesBeforeOthers) {
  Reconcile({});
  EXPECT_EQ(passfort_.priority, Priority::kReconciliation);
}

TEST_F(SettlementTest, NoListIsNoListAndChangesNothing) {
  passfort_.list = ListFailed{};
  EXPECT_EQ(RunToCompletion(reconciler_.Reconcile(store_.record, {})).kind, Kind::kUnavailable);
  EXPECT_EQ(store_.record.state, RecordState::kSent);
}

TEST_F(SettlementTest, SaysWhyThereIsNoList) {
  const auto cause = NotExecuted::Cause::kResponseTooLarge;
  passfort_.list = ListFailed{.not_executed = NotExecuted{.cause = cause}};
  const Reconciliation look = RunToCompletion(reconciler_.Reconcile(store_.record, {}));
  EXPECT_EQ(look.kind, Kind::kUnavailable);
  EXPECT_EQ(look.no_list, cause);
}

// The store cannot keep such an id: not as a candidate, and not as what a record holds.
TEST_F(SettlementTest, AnItemWhoseIdIsTooLongCountsAsUnreadable) {
  const std::string too_long(kMaxApplicationIdBytes + 1, 'a');
  EXPECT_EQ(Reconcile({.applications = {Listed(too_long)}}).kind, Kind::kInconclusive);
  EXPECT_THAT(store_.record.candidate_ids, IsEmpty());
}

TEST_F(SettlementTest, AtMostTwentyCandidatesAreKept) {
  std::vector<ListedApplication> many;
  for (int i = 0; i < 30; ++i) many.push_back(Listed("new " + std::to_string(i)));
  EXPECT_EQ(Reconcile({.applications = many}).kind, Kind::kInconclusive);
  EXPECT_EQ(store_.record.candidate_ids.size(), 20u);
}

TEST(ToStoredResultTest, KeepsAllOfAnApplicationThatFits) {
  pb::ProductApplication application;
  application.set_id("ABC");
  application.add_required_tasks()->set_name("Verify");
  const RecordStore::StoredResult answer = ToStoredResult(application);
  EXPECT_EQ(answer.application_id, "abc");
  EXPECT_EQ(answer.application, application.SerializeAsString());
  EXPECT_FALSE(answer.is_shortened);
}

// Else it would be tried in vain until it expires, with the profile blocked.
TEST(ToStoredResultTest, ShortensAnApplicationThatIsTooLargeForTheStore) {
  pb::ProductApplication application;
  application.set_id("ABC");
  application.set_status(pb::PRODUCT_APPLICATION_STATUS_APPLIED);
  (*application.mutable_unmapped()->mutable_fields())["large"].set_string_value(
      std::string(kMaxStoredResultBytes, 'x'));
  const RecordStore::StoredResult answer = ToStoredResult(application);

  EXPECT_LE(answer.application.size(), kMaxStoredResultBytes);
  EXPECT_TRUE(answer.is_shortened);
  pb::ProductApplication stored;
  ASSERT_TRUE(stored.ParseFromString(answer.application));
  EXPECT_EQ(stored.id(), "ABC");
  EXPECT_EQ(stored.status(), pb::PRODUCT_APPLICATION_STATUS_APPLIED);
  EXPECT_FALSE(stored.has_unmapped());
}

}  // namespace
}  // namespace gateway
