// What a person may say of a record, and what comes of it.

#include "service/idempotency/settler.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <variant>

#include "tests/unit/idempotency/engine_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Why = SettlementContradicted::Why;

class SettlerTest : public EngineTest {
 protected:
  void BecomeConclusive() {
    clock_.Advance(kOptions.lease_duration + kOptions.attempt_timeout + kOptions.settle_window);
  }
  // Two lines may be what "note" came to.
  Record InconclusiveRecord() {
    SentElsewhere(kId);
    operation_.lines = {"note/1", "note/2"};
    BecomeConclusive();
    RunToCompletion(reconciler_.Reconcile(*Find(), {}));
    return *Find();
  }
  // As a create leaves it whose response was lost.
  Record UnobservableRecord() {
    operation_.observable = false;
    const Record sent = UpdatedElsewhere(
        ClaimedElsewhere(kId), {.state = RecordState::kSent,
                                .lease = kOptions.lease_duration + kOptions.attempt_timeout,
                                .first_baseline = Baseline{},
                                .sent_at = clock_.WallNow()});
    return UpdatedElsewhere(sent, {.state = RecordState::kInconclusive, .was_ambiguous = true});
  }

  SettlementResult Settle(PersonsWord word) {
    word.name = "on-call";
    return RunToCompletion(settler_.Settle(kId, "", std::move(word), {}));
  }
  SettlementResult SettleAs(const std::string& line) { return Settle({.resource_id = line}); }
  // Of the attempt that the record shows.
  SettlementResult SettleAsNotExecuted(std::vector<std::string> not_ours = {}) {
    const auto seen = Find();
    return Settle({.not_ours = std::move(not_ours),
                   .sent_at = seen.has_value() ? seen->sent_at : std::nullopt});
  }
  static bool IsSettled(const SettlementResult& result) {
    return std::holds_alternative<SettledRecord>(result);
  }
  static Why WhyNot(const SettlementResult& result) {
    return std::get<SettlementContradicted>(result).why;
  }

  std::function<void()> before_settle_ = [] {};
  Settler settler_{{.settle_window = kOptions.settle_window},
                   store_,
                   reconciler_,
                   {&operation_},
                   clock_,
                   observer_,
                   unsettled_traces_,
                   FailPoints([this](FailPointId step, const std::string&) {
                     if (step == FailPointId::kBeforeSettle) before_settle_();
                   })};
};

TEST_F(SettlerTest, OneOfTheCandidatesBecomesTheResult) {
  const Record seen = InconclusiveRecord();
  ASSERT_EQ(seen.state, RecordState::kInconclusive);
  ASSERT_TRUE(IsSettled(SettleAs("note/2")));
  EXPECT_EQ(Find()->state, RecordState::kDone);
  EXPECT_EQ(Find()->result.contents, "contents of note/2");
  EXPECT_EQ(Find()->settled->name, "on-call");
  EXPECT_EQ(operation_.priority, Priority::kReconciliation);
}

TEST_F(SettlerTest, NothingButACandidateDoes) {
  SentElsewhere(kId);
  UpdatedElsewhere(*Find(), {.state = RecordState::kInconclusive});
  operation_.lines = {"note/1", "note/2", "other/1"};
  BecomeConclusive();
  EXPECT_EQ(WhyNot(SettleAs("note/3")), Why::kNotShown);
  const auto other = SettleAs("other/1");
  EXPECT_EQ(WhyNot(other), Why::kNotShown);
  EXPECT_THAT(std::get<SettlementContradicted>(other).candidate_ids,
              ElementsAre("note/1", "note/2"));
  const Record owner = ClaimedElsewhere("order-2");
  ASSERT_TRUE(*RunToCompletion(
      store_.StoreResponse(owner, {"note/1", "answer"}, Deadline(SteadyTime::max()))));
  EXPECT_EQ(WhyNot(SettleAs("note/1")), Why::kAttributed);
  EXPECT_EQ(Find()->state, RecordState::kInconclusive);
  EXPECT_TRUE(IsSettled(SettleAs("note/2")));
}

TEST_F(SettlerTest, WhatWasThereBeforeIsNotItsResult) {
  const Record claimed = ClaimedElsewhere(kId);
  UpdatedElsewhere(claimed, {.state = RecordState::kInconclusive,
                             .conclusive_after = 0ms,
                             .first_baseline = Baseline{.state = EncodeNetstrings({"note/0"})}});
  operation_.lines = {"note/0", "note/1"};
  EXPECT_EQ(WhyNot(SettleAs("note/0")), Why::kWasThere);
}

TEST_F(SettlerTest, NotExecutedTakesALookAtEveryCandidate) {
  InconclusiveRecord();
  const auto unseen = SettleAsNotExecuted({"note/1"});
  EXPECT_EQ(WhyNot(unseen), Why::kCandidates);
  EXPECT_THAT(std::get<SettlementContradicted>(unseen).candidate_ids, ElementsAre("note/2"));
  // What was found once may only be hidden now.
  operation_.lines = {};
  EXPECT_EQ(WhyNot(SettleAsNotExecuted()), Why::kCandidates);
  operation_.lines = {"note/1", "note/2", "note/3"};
  EXPECT_EQ(WhyNot(SettleAsNotExecuted({"note/1", "note/2"})), Why::kCandidates);
  EXPECT_EQ(Find()->state, RecordState::kInconclusive);

  ASSERT_TRUE(IsSettled(SettleAsNotExecuted({"note/1", "note/2", "note/3"})));
  EXPECT_EQ(Find()->state, RecordState::kNoEffect);
}

TEST_F(SettlerTest, WhatWasLookedAtIsNeverTakenForTheResultOfTheNextAttempt) {
  InconclusiveRecord();
  ASSERT_TRUE(IsSettled(SettleAsNotExecuted({"note/1", "note/2"})));
  const Record claimed =
      UpdatedElsewhere(*Find(), {.state = RecordState::kClaimed, .lease = kOptions.lease_duration});
  EXPECT_EQ(RunToCompletion(reconciler_.Reconcile(claimed, {})).kind,
            Reconciliation::Kind::kNoEffect);
  // What is executed later than anybody thought possible is found all the same.
  operation_.lines.emplace_back("note/3");
  EXPECT_EQ(RunToCompletion(reconciler_.Reconcile(claimed, {})).kind,
            Reconciliation::Kind::kTookEffect);
}

TEST_F(SettlerTest, AListThatMayNotShowAllDoesNotSayThatNothingWasExecuted) {
  InconclusiveRecord();
  operation_.is_complete = false;
  EXPECT_EQ(WhyNot(SettleAsNotExecuted({"note/1", "note/2"})), Why::kMayBeIncomplete);
  EXPECT_TRUE(IsSettled(SettleAs("note/1"))) << "but what it shows is there";
}

TEST_F(SettlerTest, ASentRecordIsSettledOnlyOnceItIsConclusiveAndHeldByNobody) {
  SentElsewhere(kId);
  operation_.lines = {"note/1", "note/2"};
  BecomeConclusive();
  clock_.Advance(-1ms);
  const auto early = SettleAs("note/1");
  ASSERT_TRUE(std::holds_alternative<NotSettleable>(early));
  const Record seen = *Find();
  EXPECT_EQ(std::get<NotSettleable>(early).known_by, seen.conclusive_at);
  clock_.Advance(1ms);
  EXPECT_TRUE(IsSettled(SettleAs("note/1")));

  // Conclusive, but its holder has just begun another attempt.
  const Record held = UpdatedElsewhere(ClaimedElsewhere("order-2"), {.state = RecordState::kSent,
                                                                     .lease = 1s,
                                                                     .conclusive_after = 0ms,
                                                                     .first_baseline = Baseline{}});
  const auto result =
      RunToCompletion(settler_.Settle("order-2", "", {.resource_id = "note/2"}, {}));
  ASSERT_TRUE(std::holds_alternative<NotSettleable>(result));
  EXPECT_EQ(std::get<NotSettleable>(result).known_by, held.lease_until);
}

TEST_F(SettlerTest, WhatIsKnownOrWasNeverSentIsNotForAPersonToSay) {
  EXPECT_TRUE(std::holds_alternative<UnknownRequest>(SettleAs("note/1")));
  const Record claimed = ClaimedElsewhere(kId);
  EXPECT_TRUE(std::holds_alternative<NotSettleable>(SettleAsNotExecuted()));
  ASSERT_TRUE(*RunToCompletion(
      store_.StoreResponse(claimed, {"note/1", "answer"}, Deadline(SteadyTime::max()))));
  const auto known = SettleAs("note/2");
  ASSERT_TRUE(std::holds_alternative<NotSettleable>(known));
  EXPECT_EQ(std::get<NotSettleable>(known).known_by, std::nullopt);
  EXPECT_EQ(operation_.observations, 0);
}

TEST_F(SettlerTest, WhatPassfortDoesNotShowChangesNothing) {
  InconclusiveRecord();
  operation_.failure = NotExecuted{.cause = NotExecuted::Cause::kUnreachable};
  EXPECT_TRUE(std::holds_alternative<NotExecuted>(SettleAs("note/1")));
  EXPECT_TRUE(std::holds_alternative<NotExecuted>(SettleAsNotExecuted({"note/1", "note/2"})));
  operation_.failure = Refused{};
  EXPECT_TRUE(std::holds_alternative<Refused>(SettleAs("note/1")));
  EXPECT_EQ(Find()->state, RecordState::kInconclusive);
}

TEST_F(SettlerTest, WhoeverChangesTheRecordFirstWins) {
  InconclusiveRecord();
  before_settle_ = [this] {
    const RecordStore::Settlement other{.settled_by = "somebody",
                                        .result = StoredResult{"note/1", "contents"}};
    before_settle_ = [] {};
    RunToCompletion(store_.Settle(*Find(), other, Deadline(SteadyTime::max()))).IgnoreError();
  };
  const auto late = SettleAs("note/2");
  ASSERT_TRUE(std::holds_alternative<SettledMeanwhile>(late));
  EXPECT_EQ(std::get<SettledMeanwhile>(late).record->settled->name, "somebody");
  EXPECT_EQ(Find()->result.resource_id, "note/1");
}

TEST_F(SettlerTest, ACreateIsForgottenIfItWasNotExecutedButNotBeforeThatCanBeSeen) {
  const Record seen = UnobservableRecord();
  const auto early = SettleAsNotExecuted();
  ASSERT_TRUE(std::holds_alternative<NotSettleable>(early));
  EXPECT_EQ(std::get<NotSettleable>(early).known_by,
            seen.lease_until + absl::FromChrono(kOptions.settle_window));
  BecomeConclusive();
  EXPECT_EQ(WhyNot(SettleAsNotExecuted({"note/1"})), Why::kOtherOperation)
      << "a create has no candidates";
  const auto settled = SettleAsNotExecuted();
  ASSERT_TRUE(IsSettled(settled));
  EXPECT_EQ(std::get<SettledRecord>(settled).record.state, RecordState::kNoEffect);
  EXPECT_FALSE(Find().has_value());
  EXPECT_EQ(operation_.observations, 0);
}

TEST_F(SettlerTest, NotExecutedIsSaidOfTheAttemptThatWasLookedAtAlone) {
  const auto looked_at = UnobservableRecord().sent_at;
  BecomeConclusive();
  ASSERT_TRUE(IsSettled(SettleAsNotExecuted()));
  // The caller comes again, and once more nobody knows what became of it.
  clock_.Advance(1s);
  const Record again = UnobservableRecord();
  BecomeConclusive();
  const auto second = Settle({.sent_at = looked_at});
  ASSERT_TRUE(std::holds_alternative<SettledMeanwhile>(second));
  EXPECT_EQ(std::get<SettledMeanwhile>(second).record->sent_at, again.sent_at);
  EXPECT_TRUE(std::holds_alternative<SettledMeanwhile>(Settle({})));
  EXPECT_EQ(Find()->state, RecordState::kInconclusive);
}

TEST_F(SettlerTest, NoLaterLineGoesOnWithTheTraceOfASettledWrite) {
  unsettled_traces_.Add(kId, trace_ids_.NewTrace());
  unsettled_traces_.Add("order-2", trace_ids_.NewTrace());
  InconclusiveRecord();
  EXPECT_FALSE(IsSettled(SettleAs("note/3")));
  EXPECT_TRUE(unsettled_traces_.Find(kId)) << "it is not settled yet";
  ASSERT_TRUE(IsSettled(SettleAs("note/2")));
  EXPECT_FALSE(unsettled_traces_.Find(kId));
  EXPECT_TRUE(unsettled_traces_.Find("order-2"));
}

TEST_F(SettlerTest, NorWithThatOfACreateThatIsForgotten) {
  unsettled_traces_.Add(kId, trace_ids_.NewTrace());
  UnobservableRecord();
  BecomeConclusive();
  ASSERT_TRUE(IsSettled(SettleAsNotExecuted()));
  EXPECT_FALSE(unsettled_traces_.Find(kId));
}

TEST_F(SettlerTest, AClaimThatADeadProcessLeftDoesNotStandInTheWay) {
  InconclusiveRecord();
  const Record left = ClaimedElsewhere("order-2");
  EXPECT_TRUE(std::holds_alternative<KeyInUse>(SettleAs("note/1"))) << "it may be alive";
  clock_.Advance(absl::ToChronoMilliseconds(left.lease_until - left.store_now));
  EXPECT_TRUE(IsSettled(SettleAs("note/1")));
}

TEST_F(SettlerTest, ACreateThatIsThereCanBeSettledAtOnce) {
  UnobservableRecord();
  operation_.lines = {"note/1"};
  EXPECT_EQ(WhyNot(SettleAs("note/2")), Why::kNotShown);
  EXPECT_TRUE(IsSettled(SettleAs("note/1")));
  EXPECT_EQ(Find()->state, RecordState::kDone);
}

TEST_F(SettlerTest, ChargesStayWithWhatIsSettledAndAreGivenBackWithWhatIsForgotten) {
  const WriteBudget budget{.account = "onboarding", .writes_per_day = 1};
  operation_.observable = false;
  UpdatedElsewhere(UpdatedElsewhere(ClaimedElsewhere(kId), {.state = RecordState::kSent,
                                                            .lease = kOptions.lease_duration,
                                                            .first_baseline = Baseline{},
                                                            .sent_at = clock_.WallNow(),
                                                            .budget = budget}),
                   {.state = RecordState::kInconclusive, .was_ambiguous = true});
  const auto is_used_up = [&] {
    return RunToCompletion(store_.LookAtBudget(budget, Deadline(SteadyTime::max())))->has_value();
  };
  ASSERT_TRUE(is_used_up());
  BecomeConclusive();
  ASSERT_TRUE(IsSettled(SettleAsNotExecuted()));
  EXPECT_FALSE(is_used_up());
}

}  // namespace
}  // namespace gateway
