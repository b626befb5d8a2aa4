#include "service/rpc/outcome_to_grpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/rpc/expected_errors.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(NotExecutedErrorTest, UnreachableIsSafeToRepeat) {
  ExpectError(ErrorWithoutRequestId({.outcome = NotDone(NotExecuted::Cause::kUnreachable)}),
              grpc::StatusCode::UNAVAILABLE,
              "cannot reach Passfort: nothing was executed. It is safe to retry.",
              ExpectedInfo("PASSFORT_UNREACHABLE", {{"phase", "NOT_SENT"}}) + kRetryInASecond);
}

TEST(NotExecutedErrorTest, WhatWasNotProcessedIsSafeToRepeat) {
  for (const int status : {421, 425}) {
    ExpectError(ErrorWithoutRequestId({.outcome = NotDone(NotExecuted::Cause::kUnreachable,
                                                          std::nullopt, AnAnswer(status))}),
                grpc::StatusCode::UNAVAILABLE,
                absl::StrCat("Passfort did not process the request (HTTP ", status,
                             "): nothing was executed. It is safe to retry."),
                ExpectedInfo("PASSFORT_UNREACHABLE",
                             {{"phase", "ANSWERED"}, {"http_status", absl::StrCat(status)}}) +
                    kRetryInASecond);
  }
}

TEST(NotExecutedErrorTest, AListThatFailsIsNotCalledUnreachable) {
  ExpectError(ErrorWithoutRequestId({.outcome = NotDone(NotExecuted::Cause::kServerError,
                                                        std::nullopt, AnAnswer(503))}),
              grpc::StatusCode::UNAVAILABLE,
              "Passfort, or a proxy in front of it, reported an internal error when asked for the "
              "profile\\'s applications (HTTP 503): nothing was executed. It is safe to retry.",
              ExpectedInfo("PASSFORT_FAILED", {{"phase", "ANSWERED"}, {"http_status", "503"}}) +
                  kRetryInASecond);
}

TEST(NotExecutedErrorTest, WhatIsNoListIsForTheOperator) {
  ExpectError(
      ErrorWithoutRequestId(
          {.outcome = NotDone(NotExecuted::Cause::kUnreadable, std::nullopt, AnAnswer(200))}),
      grpc::StatusCode::INTERNAL,
      "a request_id needs the list of the profile\\'s applications, and the response was not one "
      "(HTTP 200): nothing was executed. Contact the operator of the gateway.",
      ExpectedInfo("PASSFORT_ANSWER_UNREADABLE", {{"phase", "ANSWERED"}, {"http_status", "200"}}));
}

TEST(NotExecutedErrorTest, AListThatIsTooLargeIsNotWorthAnotherCall) {
  ExpectError(
      ErrorWithoutRequestId({.outcome = NotDone(NotExecuted::Cause::kResponseTooLarge)}),
      grpc::StatusCode::INTERNAL,
      "the list of the profile\\'s applications is larger or deeper than the gateway reads, so "
      "the gateway cannot guarantee at most one application per request_id: nothing was "
      "executed. Retrying does not help; a call without request_id works, but without that "
      "guarantee.",
      ExpectedInfo("PASSFORT_ANSWER_UNREADABLE", {{"phase", "ANSWERED"}}));
}

TEST(NotExecutedErrorTest, TheSendGateIsAWayThatTookTooLong) {
  const CallError error =
      ErrorWithoutRequestId({.outcome = NotDone(NotExecuted::Cause::kSendGateClosed)});
  EXPECT_EQ(error.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(error.reason, "PASSFORT_UNREACHABLE");
  EXPECT_EQ(error.phase, CallPhase::kNotSent);
}

TEST(NotExecutedErrorTest, AnOpenCircuitTellsWhenToComeAgain) {
  ExpectError(
      ErrorWithoutRequestId(
          {.outcome = NotDone(NotExecuted::Cause::kCircuitOpen, Milliseconds(250))}),
      grpc::StatusCode::UNAVAILABLE,
      "Passfort is failing, so requests are paused: nothing was sent. It is safe to retry.",
      ExpectedInfo("CIRCUIT_OPEN", {{"phase", "NOT_SENT"}}) +
          "details { [type.googleapis.com/google.rpc.RetryInfo] { retry_delay { nanos: 250000000 } "
          "} }");
}

TEST(NotExecutedErrorTest, AnOpenCircuitTellsWhyItIs) {
  ExpectError(
      ErrorWithoutRequestId({.outcome = NotExecuted{.cause = NotExecuted::Cause::kCircuitOpen,
                                                    .fault = TransportFault::kServerError}}),
      grpc::StatusCode::UNAVAILABLE,
      "Passfort is failing, so requests are paused (Passfort, or a proxy in front of it, reports "
      "internal errors): nothing was sent. It is safe to retry.",
      ExpectedInfo("CIRCUIT_OPEN", {{"phase", "NOT_SENT"}, {"cause", "server_error"}}) +
          kRetryInASecond);
}

TEST(NotExecutedErrorTest, WhileTheCircuitIsOpenPassfortIsStillCalledUnreachable) {
  ExpectError(
      ErrorWithoutRequestId({.outcome = NotExecuted{.cause = NotExecuted::Cause::kCircuitOpen,
                                                    .fault = TransportFault::kHostNotFound}}),
      grpc::StatusCode::UNAVAILABLE,
      "cannot reach Passfort (the host in api_url has no address; requests are paused until it can "
      "be reached): nothing was executed. It is safe to retry; if it goes on, contact the operator "
      "of the gateway.",
      ExpectedInfo("PASSFORT_UNREACHABLE", {{"phase", "NOT_SENT"}, {"cause", "host_not_found"}}) +
          kRetryInASecond);
}

TEST(NotExecutedErrorTest, NoMemoryForTheResponseIsAnOverload) {
  ExpectError(
      ErrorWithoutRequestId({.outcome = NotDone(NotExecuted::Cause::kNoMemory)}),
      grpc::StatusCode::RESOURCE_EXHAUSTED,
      "responses to other calls use all the memory that the gateway has for them: nothing was "
      "executed. It is safe to retry after the delay in RetryInfo.",
      ExpectedInfo("OVERLOADED", {{"phase", "NOT_SENT"}}) + kRetryInASecond);
}

TEST(NotExecutedErrorTest, ARateLimitTellsHowLongToWait) {
  ExpectError(
      ErrorWithoutRequestId({.outcome = NotDone(NotExecuted::Cause::kRateLimited,
                                                Milliseconds(2500), AnAnswer(429))}),
      grpc::StatusCode::RESOURCE_EXHAUSTED,
      "Passfort is rate limiting the gateway: nothing was executed. It is safe to retry after "
      "the delay in RetryInfo.",
      ExpectedInfo("RATE_LIMITED", {{"phase", "ANSWERED"}, {"http_status", "429"}}) +
          "details { [type.googleapis.com/google.rpc.RetryInfo] { retry_delay { seconds: 2 "
          "nanos: 500000000 } } }");
}

TEST(NotExecutedErrorTest, ARateLimitWithoutADelayGetsOne) {
  const CallError error = ErrorWithoutRequestId(
      {.outcome = NotDone(NotExecuted::Cause::kRateLimited, std::nullopt, AnAnswer(429))});
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(error.status).retry_delay().seconds(), 1);
}

TEST(NotExecutedErrorTest, NoTimeLeftIsADeadlineExceeded) {
  ExpectError(ErrorWithoutRequestId({.outcome = NotDone(NotExecuted::Cause::kNoTimeLeft)}),
              grpc::StatusCode::DEADLINE_EXCEEDED,
              "the deadline left no time to send the request: nothing was executed. Retry with a "
              "longer deadline.",
              ExpectedInfo("NOT_SENT", {{"phase", "NOT_SENT"}}));
}

TEST(NotExecutedErrorTest, AStopIsTheDrainWhileTheCallerWaits) {
  ExpectError(
      ErrorWithoutRequestId({.outcome = NotDone(NotExecuted::Cause::kStopped)}),
      grpc::StatusCode::UNAVAILABLE,
      "the gateway is shutting down: this call executed nothing. It is safe to retry; another "
      "replica will answer.",
      ExpectedInfo("DRAINING", {{"phase", "NOT_SENT"}}) + kRetryInASecond);
}

TEST(NotExecutedErrorTest, AStopIsCancelledOnceTheCallerIsGone) {
  ExpectError(
      ErrorWithoutRequestId({.outcome = NotDone(NotExecuted::Cause::kStopped)}, Caller::kGone),
      grpc::StatusCode::CANCELLED,
      "the caller cancelled before the request was sent: nothing was executed.",
      ExpectedInfo("CALLER_GONE", {{"phase", "NOT_SENT"}}));
}

struct GivenUpCase {
  RetryEnd end;
  std::string name;
  std::string words;  // in brackets
};

class GivenUpTest : public testing::TestWithParam<GivenUpCase> {};

TEST_P(GivenUpTest, IsToldInTheMessageAndTheMetadata) {
  const auto& [end, name, words] = GetParam();
  ExpectError(ErrorWithoutRequestId(
                  {.outcome = NotDone(NotExecuted::Cause::kUnreachable), .retry_end = end}),
              grpc::StatusCode::UNAVAILABLE,
              absl::StrCat("cannot reach Passfort (", words,
                           "): nothing was executed. It is safe to retry."),
              ExpectedInfo("PASSFORT_UNREACHABLE", {{"phase", "NOT_SENT"}, {"retry_end", name}}) +
                  kRetryInASecond);
  const CallError error = ErrorWithoutRequestId(
      {.outcome = NotDone(NotExecuted::Cause::kServerError, std::nullopt, AnAnswer(503)),
       .retry_end = end});
  EXPECT_THAT(error.status.error_message(), HasSubstr(absl::StrCat("(HTTP 503; ", words, ")")));
  EXPECT_EQ(error.retry_end, end);
}

INSTANTIATE_TEST_SUITE_P(Ends, GivenUpTest,
                         testing::Values(GivenUpCase{RetryEnd::kExhausted, "exhausted",
                                                     "gave up after another attempt"},
                                         GivenUpCase{RetryEnd::kBudgetEmpty, "budget_empty",
                                                     "gave up: the retry budget is used up"},
                                         GivenUpCase{RetryEnd::kOutOfTime, "out_of_time",
                                                     "gave up: no time for another attempt"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(GivenUpTest, IsNotSaidOfWhatNoFurtherAttemptWouldHaveChanged) {
  const CallError refused =
      ErrorWithoutRequestId({.outcome = Refused{AnAnswer(422)}, .retry_end = RetryEnd::kPermanent});
  const CallError stopped = ErrorWithoutRequestId(
      {.outcome = NotDone(NotExecuted::Cause::kStopped), .retry_end = RetryEnd::kCancelled});
  for (const CallError& error : {refused, stopped}) {
    EXPECT_FALSE(DetailOf<google::rpc::ErrorInfo>(error.status).metadata().contains("retry_end"));
    EXPECT_THAT(error.status.error_message(), testing::Not(HasSubstr("gave up")));
    EXPECT_TRUE(error.retry_end.has_value()) << "the log says it";
  }
}

TEST(ErrorOfAmbiguousTest, SaysWhenItWasSentAndUntilWhenItMayStillHappen) {
  ExpectError(
      ErrorWithoutRequestId({.outcome = NotKnown(Ambiguous::Cause::kTimeout), .sent_at = kSentAt}),
      grpc::StatusCode::UNKNOWN,
      "the request was sent, but no response arrived in time: it is unknown whether the "
      "application was created. Before retrying, check the profile\\'s applications after "
      "2025-10-09T08:54:35.250Z.",
      ExpectedInfo("OUTCOME_UNKNOWN", {{"phase", "SENT"},
                                       {"sent_at", "2025-10-09T08:53:20.250000Z"},
                                       {"known_by", "2025-10-09T08:54:35.250Z"}}));
}

// Whoever settles the write names its attempt by this time.
TEST(ErrorOfAmbiguousTest, HasTheTimeWithAllDigitsThatARecordKeeps) {
  const CallError error = ErrorWithoutRequestId({.outcome = NotKnown(Ambiguous::Cause::kTimeout),
                                                 .sent_at = kSentAt + absl::Microseconds(417)});
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(error.status).metadata().at("sent_at"),
            "2025-10-09T08:53:20.250417Z");
}

TEST(ErrorOfAmbiguousTest, TellsWhatPassfortAnswered) {
  ExpectError(
      ErrorWithoutRequestId(
          {.outcome = NotKnown(Ambiguous::Cause::kServerError, AnAnswer(502, 301, "migrating"))}),
      grpc::StatusCode::UNKNOWN,
      "the request was sent, but Passfort, or a proxy in front of it, reported an internal error "
      "(HTTP 502, code 301): it is unknown whether the application was created. Before retrying, "
      "check the profile\\'s applications after 2025-10-09T08:54:35.250Z.",
      ExpectedInfo("OUTCOME_UNKNOWN", {{"phase", "ANSWERED"},
                                       {"http_status", "502"},
                                       {"passfort_code", "301"},
                                       {"passfort_message", "migrating"},
                                       {"known_by", "2025-10-09T08:54:35.250Z"}}));
}

TEST(ErrorOfAmbiguousTest, NamesEveryCause) {
  using Cause = Ambiguous::Cause;
  const std::vector<std::pair<Cause, std::string>> causes = {
      {Cause::kTimeout, "no response arrived in time"},
      {Cause::kConnectionLost, "the connection was lost before the response was complete"},
      {Cause::kResponseTooLarge, "the response exceeded the size limit"},
      {Cause::kServerError, "Passfort, or a proxy in front of it, reported an internal error"},
      {Cause::kUnreadable, "the response was unreadable"},
      {Cause::kStopped, "the gateway stopped waiting for the response"}};
  for (const auto& [cause, words] : causes) {
    const CallError error = ErrorWithoutRequestId({.outcome = NotKnown(cause), .sent_at = kSentAt});
    EXPECT_THAT(error.status.error_message(), HasSubstr(words));
    EXPECT_EQ(error.status.error_code(), grpc::StatusCode::UNKNOWN);
    EXPECT_THAT(AsReceived(error), IsWellFormedError());
  }
}

struct IdempotencyErrorCase {
  std::string name;
  IdempotencyError::Cause cause;
  grpc::StatusCode code;
  std::string scope;
  std::string phase;
  int retry_seconds;  // 0: not to be repeated
  std::string outcome;
  std::string message;
};

class IdempotencyErrorTest : public testing::TestWithParam<IdempotencyErrorCase> {};

TEST_P(IdempotencyErrorTest, IsReportedAsTheTableSays) {
  const IdempotencyErrorCase& expected = GetParam();
  const CallError error =
      ErrorWithRequestId({.outcome = IdempotencyError{.cause = expected.cause}});
  const std::string retry =
      expected.retry_seconds == 0
          ? ""
          : absl::StrCat(
                "details { [type.googleapis.com/google.rpc.RetryInfo] { retry_delay { "
                "seconds: ",
                expected.retry_seconds, " } } } ");
  ExpectError(error, expected.code, expected.message,
              ExpectedInfo(expected.name, {{"phase", expected.phase}}, expected.scope) + retry +
                  kRequestInfo);
  EXPECT_EQ(error.outcome, expected.outcome);
}

INSTANTIATE_TEST_SUITE_P(
    Causes, IdempotencyErrorTest,
    testing::Values(
        IdempotencyErrorCase{
            "REQUEST_ID_REUSED", IdempotencyError::Cause::kRequestIdReused,
            grpc::StatusCode::INVALID_ARGUMENT, "CALL", "NOT_SENT", 0, "refused",
            "this request_id was already used with different values or by a different "
            "caller: nothing was sent for this call. A further application needs a new "
            "request_id; before you repeat an earlier one under a new request_id, look at "
            "the applications of the profile."},
        IdempotencyErrorCase{
            "REQUEST_ID_NEEDS_STORE", IdempotencyError::Cause::kNeedsStore,
            grpc::StatusCode::FAILED_PRECONDITION, "CALL", "NOT_SENT", 0, "refused",
            "this gateway has no store, so it cannot guarantee at most one application per "
            "request_id: nothing was sent. Ask the operator to configure one, or call "
            "without request_id and without that guarantee."},
        IdempotencyErrorCase{
            "STORE_UNAVAILABLE", IdempotencyError::Cause::kStoreUnavailable,
            grpc::StatusCode::UNAVAILABLE, "CALL", "NOT_SENT", 1, "not_executed",
            "the gateway\\'s store is unavailable: this call executed nothing. It is safe "
            "to retry, with the same request_id if there is one; if it goes on, contact the "
            "operator of the gateway."},
        IdempotencyErrorCase{
            "STORE_BROKEN", IdempotencyError::Cause::kStoreBroken, grpc::StatusCode::INTERNAL,
            "CALL", "NOT_SENT", 0, "refused",
            "the gateway\\'s store refuses what it needs, and will until somebody repairs "
            "it: this call executed nothing. Contact the operator of the gateway, and "
            "retry once it is mended, with the same request_id if there is one."},
        IdempotencyErrorCase{
            "STORE_FULL", IdempotencyError::Cause::kStoreFull, grpc::StatusCode::RESOURCE_EXHAUSTED,
            "CALL", "NOT_SENT", 60, "not_executed",
            "the gateway\\'s store is full: nothing was sent. It is safe to retry after the "
            "delay in RetryInfo."},
        IdempotencyErrorCase{
            "OVERLOADED", IdempotencyError::Cause::kTooManySessions,
            grpc::StatusCode::RESOURCE_EXHAUSTED, "CALL", "NOT_SENT", 1, "not_executed",
            "the gateway is at its concurrency limit: nothing was sent. It is safe to retry "
            "after the delay in RetryInfo."},
        IdempotencyErrorCase{
            "WRITE_IN_PROGRESS", IdempotencyError::Cause::kWriteInProgress,
            grpc::StatusCode::UNAVAILABLE, "REQUEST_ID", "NOT_SENT", 2, "not_executed",
            "another write to this profile is in progress: nothing was executed. It is safe "
            "to retry with the same request_id."},
        IdempotencyErrorCase{
            "NOT_CREATED", IdempotencyError::Cause::kNoEffect, grpc::StatusCode::UNAVAILABLE,
            "REQUEST_ID", "SENT", 1, "not_executed",
            "the request was sent and its response lost: the profile\\'s applications show "
            "that nothing was created. It is safe to retry with the same request_id."},
        IdempotencyErrorCase{
            "QUOTA_REACHED", IdempotencyError::Cause::kTooManyToCompare,
            grpc::StatusCode::RESOURCE_EXHAUSTED, "REQUEST_ID", "NOT_SENT", 0, "refused",
            "the profile has more applications than the gateway\\'s store keeps the ids of, "
            "so the gateway cannot guarantee at most one application per request_id: "
            "nothing was executed. Retrying does not help; a call without request_id "
            "works, but without that guarantee."},
        IdempotencyErrorCase{
            "CALLER_BUDGET_REACHED", IdempotencyError::Cause::kBudgetReached,
            grpc::StatusCode::RESOURCE_EXHAUSTED, "CALL", "NOT_SENT", 0, "refused",
            "the limit of writes per day for this caller is reached: this call executed "
            "nothing. Retry after resets_at, or ask the operator of the gateway to raise "
            "the limit."}),
    [](const auto& info) { return info.param.name; });

TEST(BudgetReachedTest, SaysWhenTheNextDayBegins) {
  const IdempotencyError reached = {.cause = IdempotencyError::Cause::kBudgetReached,
                                    .resets_at = absl::FromUnixSeconds(1'760'054'400)};
  for (const CallError& error :
       {ErrorWithRequestId({.outcome = reached}), ErrorWithoutRequestId({.outcome = reached}),
        ToCreateProfileError({.outcome = reached}, {.now = kEndedAt})}) {
    EXPECT_EQ(error.reason, "CALLER_BUDGET_REACHED");
    EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(error.status).metadata().at("resets_at"),
              "2025-10-10T00:00:00.000Z");
    EXPECT_EQ(ScopeOf(error), "CALL");
    EXPECT_THAT(AsReceived(error), IsWellFormedError());
  }
}

// A caller with a budget needs the store also for a write without a request_id.
TEST(StoreUnavailableTest, PromisesNothingOfARequestIdThatIsNotThere) {
  const CallError error = ErrorWithoutRequestId(
      {.outcome = IdempotencyError{.cause = IdempotencyError::Cause::kStoreUnavailable}});
  ExpectError(
      error, grpc::StatusCode::UNAVAILABLE,
      "the gateway\\'s store is unavailable: this call executed nothing. It is safe to "
      "retry, with the same request_id if there is one; if it goes on, contact the operator of "
      "the gateway.",
      ExpectedInfo("STORE_UNAVAILABLE", {{"phase", "NOT_SENT"}}) + kRetryInASecond);
}

// What is decided with the record in hand speaks of all calls under the request_id.
TEST(ScopeTest, IsTheRequestIdIfThereIsOne) {
  const std::vector<WriteResult> results = {{.outcome = Refused{AnAnswer(404)}},
                                            {.outcome = NotDone(NotExecuted::Cause::kUnreachable)},
                                            {.outcome = NotDone(NotExecuted::Cause::kRateLimited)},
                                            {.outcome = NotDone(NotExecuted::Cause::kNoTimeLeft)},
                                            {.outcome = NotKnown(Ambiguous::Cause::kTimeout)}};
  for (const WriteResult& result : results) {
    EXPECT_EQ(ScopeOf(ErrorWithRequestId(result)), "REQUEST_ID");
    EXPECT_EQ(ScopeOf(ErrorWithoutRequestId(result)), "CALL");
    EXPECT_EQ(DetailOf<google::rpc::RequestInfo>(ErrorWithRequestId(result).status).request_id(),
              "order-1");
    EXPECT_THAT(AsReceived(ErrorWithRequestId(result)), IsWellFormedError());
  }
  EXPECT_EQ(ScopeOf(ErrorWithRequestId({.outcome = NotDone(NotExecuted::Cause::kStopped)})),
            "CALL");
}

TEST(OutcomeNameTest, GoesWithTheMeaningOfTheCode) {
  EXPECT_EQ(ErrorWithoutRequestId({.outcome = Refused{AnAnswer(404)}}).outcome, "refused");
  EXPECT_EQ(ErrorWithoutRequestId({.outcome = Refused{AnAnswer(403, 104)}}).outcome, "refused");
  using Cause = NotExecuted::Cause;
  for (const Cause cause :
       {Cause::kUnreachable, Cause::kRateLimited, Cause::kNoTimeLeft, Cause::kStopped}) {
    EXPECT_EQ(ErrorWithoutRequestId({.outcome = NotDone(cause)}).outcome, "not_executed");
  }
  EXPECT_EQ(ErrorWithoutRequestId({.outcome = NotDone(Cause::kStopped)}, Caller::kGone).outcome,
            "not_executed");
  EXPECT_EQ(ErrorWithoutRequestId({.outcome = NotKnown(Ambiguous::Cause::kTimeout)}).outcome,
            "unknown");
  EXPECT_EQ(InvalidRequestError({{"product", "is required"}}).outcome, "refused");
  EXPECT_EQ(OverloadedError("").outcome, "not_executed");
}

TEST(ErrorOfAmbiguousTest, ARequestIdCanBeCalledAgain) {
  ExpectError(ErrorWithRequestId({.outcome = NotKnown(Ambiguous::Cause::kTimeout),
                                  .sent_at = kSentAt,
                                  .known_by = kSentAt + absl::Seconds(140)}),
              grpc::StatusCode::UNKNOWN,
              "it is not yet known whether the application was created. Retry with the same "
              "request_id: it never creates a second one, and returns the outcome once it is known "
              "(after 2025-10-09T08:55:40.250Z).",
              ExpectedInfo("OUTCOME_UNKNOWN",
                           {{"phase", "SENT"},
                            {"sent_at", "2025-10-09T08:53:20.250000Z"},
                            {"known_by", "2025-10-09T08:55:40.250Z"},
                            {"request_id", "order-1"}},
                           "REQUEST_ID") +
                  kRequestInfo);
}

// Another gateway holds the record, and nothing of its attempt is known here.
TEST(ErrorOfAmbiguousTest, ClaimsNoTimesThatItDoesNotKnow) {
  ExpectError(ErrorWithRequestId({.outcome = NotKnown(Ambiguous::Cause::kTimeout)}),
              grpc::StatusCode::UNKNOWN,
              "it is not yet known whether the application was created. Retry with the same "
              "request_id: it never creates a second one, and returns the outcome once it is "
              "known.",
              ExpectedInfo("OUTCOME_UNKNOWN", {{"phase", "SENT"}, {"request_id", "order-1"}},
                           "REQUEST_ID") +
                  kRequestInfo);
}

TEST(ErrorOfAmbiguousTest, SaysWhyTheListDoesNotTell) {
  using Cause = NotExecuted::Cause;
  const auto told_with = [](std::optional<Cause> no_list) {
    return ErrorWithRequestId(
               {.outcome = NotKnown(Ambiguous::Cause::kTimeout), .unobserved = no_list})
        .status.error_message();
  };
  EXPECT_THAT(told_with(Cause::kResponseTooLarge),
              HasSubstr("created, because the list of the profile's applications is larger or "
                        "deeper than the gateway reads. Retry with the same request_id"));
  EXPECT_THAT(told_with(Cause::kUnreadable),
              HasSubstr("created, because what Passfort, or a proxy in front of it, returned is no "
                        "list of the profile's applications. Retry with the same request_id"));
  EXPECT_EQ(told_with(Cause::kUnreachable), told_with(std::nullopt)) << "that heals by itself";
}

TEST(ErrorOfAmbiguousTest, NamesTheApplicationsThatMayBeIt) {
  ExpectError(
      ErrorWithRequestId({.outcome = NotKnown(Ambiguous::Cause::kTimeout),
                          .sent_at = kSentAt,
                          .candidate_ids = {"a1", "a2"}}),
      grpc::StatusCode::UNKNOWN,
      "it is unknown whether the application was created: 2 applications on the profile may "
      "be the result (candidate_ids). Nothing will be sent again under this request_id; a "
      "retry checks once more.",
      ExpectedInfo("OUTCOME_UNKNOWN",
                   {{"phase", "SENT"},
                    {"sent_at", "2025-10-09T08:53:20.250000Z"},
                    {"candidate_ids", "a1,a2"},
                    {"request_id", "order-1"}},
                   "REQUEST_ID") +
          kRequestInfo);
}

// A cut id would be a wrong one.
TEST(ErrorOfAmbiguousTest, NamesTwentyApplicationsAtMostAndNoneInPart) {
  std::vector<std::string> ids;
  for (int i = 10; i < 40; ++i) ids.push_back(absl::StrCat("id-", i));
  ids[3] = std::string(2000, 'x');
  const CallError error =
      ErrorWithRequestId({.outcome = NotKnown(Ambiguous::Cause::kTimeout), .candidate_ids = ids});
  const std::string told =
      DetailOf<google::rpc::ErrorInfo>(error.status).metadata().at("candidate_ids");
  EXPECT_EQ(told,
            "id-10,id-11,id-12,id-14,id-15,id-16,id-17,id-18,id-19,id-20,id-21,id-22,id-23,id-24,"
            "id-25,id-26,id-27,id-28,id-29");
}

}  // namespace
}  // namespace gateway
