#include "service/rpc/outcome_to_grpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fakes/grpc_errors.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kSinceEpoch = absl::Milliseconds(1'760'000'000'250);
const absl::Time kSentAt = absl::UnixEpoch() + kSinceEpoch;  // 2025-10-09 08:53:20.250 UTC
const absl::Time kEndedAt = kSentAt + absl::Seconds(10);
constexpr Milliseconds kSettleWindow{65000};

ReceivedError AsReceived(const CallError& error) {
  ReceivedError received = {.status = error.status, .trailers = {}};
  for (const auto& trailer : error.trailers) received.trailers.insert(trailer);
  return received;
}

PassfortAnswer AnAnswer(int http_status, std::optional<int> code = std::nullopt,
                        std::string message = "") {
  return {.http_status = http_status, .code = code, .message = std::move(message)};
}

// The table's answers for a call without a request_id.
CallError ToldPlain(WriteResult result, Caller caller = Caller::kWaiting) {
  return ErrorOf(result, {.caller = caller, .now = kEndedAt, .settle_window = kSettleWindow});
}

// And for one that has the request_id "order-1".
CallError ToldOnce(WriteResult result, Caller caller = Caller::kWaiting) {
  return ErrorOf(
      result,
      {.request_id = "order-1", .caller = caller, .now = kEndedAt, .settle_window = kSettleWindow});
}

NotCarriedOut NotDone(NotCarriedOut::Cause cause,
                      std::optional<Milliseconds> retry_after = std::nullopt,
                      std::optional<PassfortAnswer> answer = std::nullopt) {
  return {.cause = cause, .retry_after = retry_after, .answer = std::move(answer)};
}

Ambiguous NotKnown(Ambiguous::Cause cause, std::optional<PassfortAnswer> answer = std::nullopt) {
  return {.cause = cause, .answer = std::move(answer)};
}

// The text of the google.rpc.Status that an error must have.
std::string ExpectedStatus(grpc::StatusCode code, const std::string& message,
                           const std::string& details) {
  return absl::StrCat("code: ", static_cast<int>(code), " message: '", message, "' ", details);
}

std::string ExpectedInfo(const std::string& reason,
                         std::vector<std::pair<std::string, std::string>> metadata,
                         const std::string& scope = "CALL") {
  metadata.emplace_back("scope", scope);
  std::string text =
      absl::StrCat("details { [type.googleapis.com/google.rpc.ErrorInfo] { reason: '", reason,
                   "' domain: 'passfort.gateway' ");
  for (const auto& [key, value] : metadata) {
    absl::StrAppend(&text, "metadata { key: '", key, "' value: '", value, "' } ");
  }
  return absl::StrCat(text, "} } ");
}

constexpr char kRetryInASecond[] =
    "details { [type.googleapis.com/google.rpc.RetryInfo] { retry_delay { seconds: 1 } } } ";

void ExpectError(const CallError& error, grpc::StatusCode code, const std::string& message,
                 const std::string& details) {
  EXPECT_EQ(error.status.error_code(), code);
  EXPECT_THAT(DetailsOf(error.status), EqualsText(ExpectedStatus(code, message, details)));
  EXPECT_THAT(AsReceived(error), IsWellFormedError());
  EXPECT_EQ(error.reason, ReasonOf(error.status));
}

std::string ScopeOf(const CallError& error) {
  return DetailOf<google::rpc::ErrorInfo>(error.status).metadata().at("scope");
}

struct RefusalCase {
  int http_status;
  std::optional<int> code;
  grpc::StatusCode grpc_code;
  std::string reason;
  std::string words;
};

std::string RefusalName(const testing::TestParamInfo<RefusalCase>& info) {
  const auto& [http_status, code, grpc_code, reason, words] = info.param;
  return absl::StrCat("Http", http_status, code ? absl::StrCat("Code", *code) : "");
}

class RefusalTest : public testing::TestWithParam<RefusalCase> {};

TEST_P(RefusalTest, IsToldAsTheTableSays) {
  const auto& [http_status, code, grpc_code, reason, words] = GetParam();
  const std::string code_text = code ? absl::StrCat(", code ", *code) : "";
  std::vector<std::pair<std::string, std::string>> metadata = {
      {"phase", "ANSWERED"}, {"http_status", absl::StrCat(http_status)}};
  if (code) metadata.emplace_back("passfort_code", absl::StrCat(*code));
  const size_t split = words.find('|');
  ExpectError(ToldPlain({.outcome = Refused{AnAnswer(http_status, code)}}), grpc_code,
              absl::StrCat(words.substr(0, split), " (HTTP ", http_status, code_text,
                           "): nothing was done. ", words.substr(split + 1)),
              ExpectedInfo(reason, metadata));
}

constexpr char kRejectedInput[] =
    "Passfort refused the values of the request|Correct the request before calling again.";
constexpr char kConflict[] =
    "Passfort says that this is there already|Look at the profile\\'s applications.";
constexpr char kPrecondition[] =
    "Passfort\\'s rules forbid this in the profile\\'s present state|Change that state before "
    "calling again.";
constexpr char kQuota[] =
    "a quota of the Passfort account is used up|Have it raised at Passfort before calling again.";
constexpr char kCredentials[] =
    "Passfort refused the gateway\\'s own API key|Only the gateway\\'s operator can mend this.";
constexpr char kForbidden[] =
    "Passfort does not allow this to the gateway\\'s API key or address|Only the gateway\\'s "
    "operator can mend this.";
constexpr char kNotFound[] =
    "Passfort does not find the profile, or hides it from the gateway\\'s API key|Check "
    "profile_id.";
constexpr char kRedirects[] =
    "the address that the gateway has for Passfort redirects elsewhere, and no redirect is "
    "followed|Only the gateway\\'s operator can mend this.";

constexpr auto kInvalidArgument = grpc::StatusCode::INVALID_ARGUMENT;
constexpr auto kFailedPrecondition = grpc::StatusCode::FAILED_PRECONDITION;
constexpr auto kExhausted = grpc::StatusCode::RESOURCE_EXHAUSTED;
constexpr auto kInternal = grpc::StatusCode::INTERNAL;
constexpr auto kAlreadyExists = grpc::StatusCode::ALREADY_EXISTS;
constexpr std::nullopt_t kNoCode = std::nullopt;

INSTANTIATE_TEST_SUITE_P(
    ByHttpStatus, RefusalTest,
    testing::Values(
        RefusalCase{307, kNoCode, kInternal, "API_URL_REDIRECTS", kRedirects},
        RefusalCase{308, kNoCode, kInternal, "API_URL_REDIRECTS", kRedirects},
        RefusalCase{400, kNoCode, kInvalidArgument, "PASSFORT_REJECTED_INPUT", kRejectedInput},
        RefusalCase{401, kNoCode, kInternal, "GATEWAY_CREDENTIALS_REFUSED", kCredentials},
        RefusalCase{402, kNoCode, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{403, kNoCode, grpc::StatusCode::PERMISSION_DENIED, "PASSFORT_FORBIDDEN",
                    kForbidden},
        RefusalCase{404, kNoCode, grpc::StatusCode::NOT_FOUND, "PASSFORT_NOT_FOUND", kNotFound},
        RefusalCase{405, kNoCode, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{409, kNoCode, kAlreadyExists, "PASSFORT_CONFLICT", kConflict},
        RefusalCase{412, kNoCode, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{413, kNoCode, kInvalidArgument, "PASSFORT_REJECTED_INPUT", kRejectedInput},
        RefusalCase{422, kNoCode, kInvalidArgument, "PASSFORT_REJECTED_INPUT", kRejectedInput},
        RefusalCase{499, kNoCode, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition}),
    RefusalName);

// A code that is known decides, whatever the HTTP status; any other does not.
INSTANTIATE_TEST_SUITE_P(
    ByPassfortCode, RefusalTest,
    testing::Values(
        RefusalCase{200, 101, kInvalidArgument, "PASSFORT_REJECTED_INPUT", kRejectedInput},
        RefusalCase{200, 102, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{200, 103, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{403, 104, kExhausted, "QUOTA_REACHED", kQuota},
        RefusalCase{200, 105, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{400, 106, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{200, 107, kExhausted, "QUOTA_REACHED", kQuota},
        RefusalCase{404, 201, kInvalidArgument, "PASSFORT_REJECTED_INPUT", kRejectedInput},
        RefusalCase{400, 202, kAlreadyExists, "PASSFORT_CONFLICT", kConflict},
        RefusalCase{200, 203, kInternal, "GATEWAY_CREDENTIALS_REFUSED", kCredentials},
        RefusalCase{400, 204, kInternal, "GATEWAY_CREDENTIALS_REFUSED", kCredentials},
        RefusalCase{400, 502, kFailedPrecondition, "PASSFORT_PRECONDITION", kPrecondition},
        RefusalCase{404, 999, grpc::StatusCode::NOT_FOUND, "PASSFORT_NOT_FOUND", kNotFound}),
    RefusalName);

TEST(ErrorOfRefusedTest, KeepsPassfortsWordsInTheMetadataOnly) {
  const CallError error =
      ToldPlain({.outcome = Refused{AnAnswer(422, 201, "product: unknown alias")}});
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(error.status).metadata().at("passfort_message"),
            "product: unknown alias");
  EXPECT_THAT(error.status.error_message(), Not(HasSubstr("unknown alias")));
  EXPECT_EQ(error.phase, CallPhase::kAnswered);
  EXPECT_EQ(error.http_status, 422);
}

TEST(ErrorOfNotCarriedOutTest, UnreachableIsSafeToRepeat) {
  ExpectError(ToldPlain({.outcome = NotDone(NotCarriedOut::Cause::kUnreachable)}),
              grpc::StatusCode::UNAVAILABLE,
              "Passfort cannot be reached: nothing was done. It is safe to call again.",
              ExpectedInfo("PASSFORT_UNREACHABLE", {{"phase", "NOT_SENT"}}) + kRetryInASecond);
}

TEST(ErrorOfNotCarriedOutTest, TheSendGateIsAWayThatTookTooLong) {
  const CallError error = ToldPlain({.outcome = NotDone(NotCarriedOut::Cause::kSendGateClosed)});
  EXPECT_EQ(error.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(error.reason, "PASSFORT_UNREACHABLE");
  EXPECT_EQ(error.phase, CallPhase::kNotSent);
}

TEST(ErrorOfNotCarriedOutTest, AnOpenCircuitTellsWhenToComeAgain) {
  ExpectError(
      ToldPlain({.outcome = NotDone(NotCarriedOut::Cause::kCircuitOpen, Milliseconds(250))}),
      grpc::StatusCode::UNAVAILABLE,
      "Passfort has been failing and is left alone for a moment: nothing was done. It is safe to "
      "call again.",
      ExpectedInfo("CIRCUIT_OPEN", {{"phase", "NOT_SENT"}}) +
          "details { [type.googleapis.com/google.rpc.RetryInfo] { retry_delay { nanos: 250000000 } "
          "} }");
}

TEST(ErrorOfNotCarriedOutTest, ARateLimitTellsHowLongToWait) {
  ExpectError(ToldPlain({.outcome = NotDone(NotCarriedOut::Cause::kRateLimited, Milliseconds(2500),
                                            AnAnswer(429))}),
              grpc::StatusCode::RESOURCE_EXHAUSTED,
              "Passfort limits the rate of requests: nothing was done. It is safe to call again "
              "after the delay in RetryInfo.",
              ExpectedInfo("RATE_LIMITED", {{"phase", "ANSWERED"}, {"http_status", "429"}}) +
                  "details { [type.googleapis.com/google.rpc.RetryInfo] { retry_delay { seconds: 2 "
                  "nanos: 500000000 } } }");
}

TEST(ErrorOfNotCarriedOutTest, ARateLimitWithoutADelayGetsOne) {
  const CallError error = ToldPlain(
      {.outcome = NotDone(NotCarriedOut::Cause::kRateLimited, std::nullopt, AnAnswer(429))});
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(error.status).retry_delay().seconds(), 1);
}

TEST(ErrorOfNotCarriedOutTest, NoTimeLeftIsADeadlineExceeded) {
  ExpectError(ToldPlain({.outcome = NotDone(NotCarriedOut::Cause::kNoTimeLeft)}),
              grpc::StatusCode::DEADLINE_EXCEEDED,
              "the deadline left no time to send the request to Passfort: nothing was done. Call "
              "again with a longer deadline.",
              ExpectedInfo("NOT_SENT", {{"phase", "NOT_SENT"}}));
}

TEST(ErrorOfNotCarriedOutTest, AStopIsTheDrainWhileTheCallerWaits) {
  ExpectError(ToldPlain({.outcome = NotDone(NotCarriedOut::Cause::kStopped)}),
              grpc::StatusCode::UNAVAILABLE,
              "this gateway is stopping: nothing was done. It is safe to call again; another "
              "replica answers.",
              ExpectedInfo("DRAINING", {{"phase", "NOT_SENT"}}) + kRetryInASecond);
}

TEST(ErrorOfNotCarriedOutTest, AStopIsCancelledOnceTheCallerIsGone) {
  ExpectError(ToldPlain({.outcome = NotDone(NotCarriedOut::Cause::kStopped)}, Caller::kGone),
              grpc::StatusCode::CANCELLED,
              "the caller went away before anything was sent: nothing was done.",
              ExpectedInfo("CALLER_GONE", {{"phase", "NOT_SENT"}}));
}

TEST(ErrorOfAmbiguousTest, SaysWhenItWasSentAndUntilWhenItMayStillHappen) {
  ExpectError(ToldPlain({.outcome = NotKnown(Ambiguous::Cause::kTimeout), .sent_at = kSentAt}),
              grpc::StatusCode::UNKNOWN,
              "the request was sent, but no answer came in time: it is not known whether the "
              "application was made. Do not call again before the profile\\'s applications were "
              "looked at after 2025-10-09T08:54:35.250Z.",
              ExpectedInfo("OUTCOME_UNKNOWN", {{"phase", "SENT"},
                                               {"sent_at", "2025-10-09T08:53:20.250Z"},
                                               {"known_by", "2025-10-09T08:54:35.250Z"}}));
}

TEST(ErrorOfAmbiguousTest, TellsWhatPassfortAnswered) {
  ExpectError(ToldPlain({.outcome = NotKnown(Ambiguous::Cause::kServerError,
                                             AnAnswer(502, 301, "migrating"))}),
              grpc::StatusCode::UNKNOWN,
              "the request was sent, but Passfort reported an error of its own (HTTP 502, code "
              "301): it is not known whether the application was made. Do not call again before "
              "the profile\\'s applications were looked at after 2025-10-09T08:54:35.250Z.",
              ExpectedInfo("OUTCOME_UNKNOWN", {{"phase", "ANSWERED"},
                                               {"http_status", "502"},
                                               {"passfort_code", "301"},
                                               {"passfort_message", "migrating"},
                                               {"known_by", "2025-10-09T08:54:35.250Z"}}));
}

TEST(ErrorOfAmbiguousTest, NamesEveryCause) {
  using Cause = Ambiguous::Cause;
  const std::vector<std::pair<Cause, std::string>> causes = {
      {Cause::kTimeout, "no answer came in time"},
      {Cause::kConnectionLost, "the connection was lost before the answer was whole"},
      {Cause::kAnswerTooLarge, "the answer was larger than the gateway reads"},
      {Cause::kServerError, "Passfort reported an error of its own"},
      {Cause::kUnreadable, "the answer could not be understood"},
      {Cause::kStopped, "the gateway stopped waiting for the answer"}};
  for (const auto& [cause, words] : causes) {
    const CallError error = ToldPlain({.outcome = NotKnown(cause), .sent_at = kSentAt});
    EXPECT_THAT(error.status.error_message(), HasSubstr(words));
    EXPECT_EQ(error.status.error_code(), grpc::StatusCode::UNKNOWN);
    EXPECT_THAT(AsReceived(error), IsWellFormedError());
  }
}

constexpr char kRequestInfo[] =
    "details { [type.googleapis.com/google.rpc.RequestInfo] { request_id: 'order-1' } }";

struct NotBegunCase {
  std::string name;
  NotBegun::Cause cause;
  grpc::StatusCode code;
  std::string scope;
  std::string phase;
  int retry_seconds;  // 0: not to be repeated
  std::string outcome;
  std::string message;
};

class NotBegunTest : public testing::TestWithParam<NotBegunCase> {};

TEST_P(NotBegunTest, IsToldAsTheTableSays) {
  const NotBegunCase& expected = GetParam();
  const CallError error = ToldOnce({.outcome = NotBegun{.cause = expected.cause}});
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
    Causes, NotBegunTest,
    testing::Values(
        NotBegunCase{"REQUEST_ID_REUSED", NotBegun::Cause::kRequestIdReused, kInvalidArgument,
                     "CALL", "NOT_SENT", 0, "refused",
                     "another call used this request_id with other values or as another caller: "
                     "nothing was done for this one. Use a request_id of its own for each "
                     "application."},
        NotBegunCase{"REQUEST_ID_NEEDS_STORE", NotBegun::Cause::kNeedsStore, kFailedPrecondition,
                     "CALL", "NOT_SENT", 0, "refused",
                     "this gateway has no store, so it cannot keep the promise that a request_id "
                     "asks for: nothing was done. Its operator can set one; a call without a "
                     "request_id promises less."},
        NotBegunCase{"STORE_UNAVAILABLE", NotBegun::Cause::kStoreUnavailable,
                     grpc::StatusCode::UNAVAILABLE, "CALL", "NOT_SENT", 1, "not_carried_out",
                     "the store of this gateway did not answer: this call sent nothing. It is safe "
                     "to call again with the same request_id."},
        NotBegunCase{"STORE_FULL", NotBegun::Cause::kStoreFull, kExhausted, "CALL", "NOT_SENT", 60,
                     "not_carried_out",
                     "the store of this gateway takes no further request_id: nothing was done. It "
                     "is safe to call again after the delay in RetryInfo."},
        NotBegunCase{"WRITE_IN_PROGRESS", NotBegun::Cause::kWriteInProgress,
                     grpc::StatusCode::UNAVAILABLE, "REQUEST_ID", "NOT_SENT", 2, "not_carried_out",
                     "a write under another request_id is under way on this profile: nothing was "
                     "done. It is safe to call again with the same request_id."},
        NotBegunCase{"NOT_CREATED", NotBegun::Cause::kNotCreated, grpc::StatusCode::UNAVAILABLE,
                     "REQUEST_ID", "SENT", 1, "not_carried_out",
                     "the request was sent and its answer lost, and the profile\\'s applications "
                     "show that nothing was done. It is safe to call again with the same "
                     "request_id."}),
    [](const auto& info) { return info.param.name; });

// What is decided with the record in hand speaks of all calls under the request_id.
TEST(ScopeTest, IsTheRequestIdIfThereIsOne) {
  const std::vector<WriteResult> results = {
      {.outcome = Refused{AnAnswer(404)}},
      {.outcome = NotDone(NotCarriedOut::Cause::kUnreachable)},
      {.outcome = NotDone(NotCarriedOut::Cause::kRateLimited)},
      {.outcome = NotDone(NotCarriedOut::Cause::kNoTimeLeft)},
      {.outcome = NotKnown(Ambiguous::Cause::kTimeout)}};
  for (const WriteResult& result : results) {
    EXPECT_EQ(ScopeOf(ToldOnce(result)), "REQUEST_ID");
    EXPECT_EQ(ScopeOf(ToldPlain(result)), "CALL");
    EXPECT_EQ(DetailOf<google::rpc::RequestInfo>(ToldOnce(result).status).request_id(), "order-1");
    EXPECT_THAT(AsReceived(ToldOnce(result)), IsWellFormedError());
  }
  EXPECT_EQ(ScopeOf(ToldOnce({.outcome = NotDone(NotCarriedOut::Cause::kStopped)})), "CALL");
}

TEST(OutcomeNameTest, GoesWithTheMeaningOfTheCode) {
  EXPECT_EQ(ToldPlain({.outcome = Refused{AnAnswer(404)}}).outcome, "refused");
  EXPECT_EQ(ToldPlain({.outcome = Refused{AnAnswer(403, 104)}}).outcome, "refused");
  using Cause = NotCarriedOut::Cause;
  for (const Cause cause :
       {Cause::kUnreachable, Cause::kRateLimited, Cause::kNoTimeLeft, Cause::kStopped}) {
    EXPECT_EQ(ToldPlain({.outcome = NotDone(cause)}).outcome, "not_carried_out");
  }
  EXPECT_EQ(ToldPlain({.outcome = NotDone(Cause::kStopped)}, Caller::kGone).outcome,
            "not_carried_out");
  EXPECT_EQ(ToldPlain({.outcome = NotKnown(Ambiguous::Cause::kTimeout)}).outcome, "unknown");
  EXPECT_EQ(InvalidRequestError({{"product", "is required"}}).outcome, "refused");
  EXPECT_EQ(OverloadedError("").outcome, "not_carried_out");
}

TEST(ErrorOfAmbiguousTest, ARequestIdCanBeCalledAgain) {
  ExpectError(ToldOnce({.outcome = NotKnown(Ambiguous::Cause::kTimeout),
                        .sent_at = kSentAt,
                        .known_by = kSentAt + absl::Seconds(140)}),
              grpc::StatusCode::UNKNOWN,
              "it is not known yet whether the application was made. Call again with the same "
              "request_id: that never makes a second one, and tells what became of this one as "
              "soon as it can be known from 2025-10-09T08:55:40.250Z on.",
              ExpectedInfo("OUTCOME_UNKNOWN",
                           {{"phase", "SENT"},
                            {"sent_at", "2025-10-09T08:53:20.250Z"},
                            {"known_by", "2025-10-09T08:55:40.250Z"},
                            {"request_id", "order-1"}},
                           "REQUEST_ID") +
                  kRequestInfo);
}

// Another gateway holds the record, and nothing of its attempt is known here.
TEST(ErrorOfAmbiguousTest, ClaimsNoTimesThatItDoesNotKnow) {
  ExpectError(ToldOnce({.outcome = NotKnown(Ambiguous::Cause::kTimeout)}),
              grpc::StatusCode::UNKNOWN,
              "it is not known yet whether the application was made. Call again with the same "
              "request_id: that never makes a second one, and tells what became of this one as "
              "soon as it can be known.",
              ExpectedInfo("OUTCOME_UNKNOWN", {{"phase", "SENT"}, {"request_id", "order-1"}},
                           "REQUEST_ID") +
                  kRequestInfo);
}

TEST(ErrorOfAmbiguousTest, NamesTheApplicationsThatMayBeIt) {
  ExpectError(ToldOnce({.outcome = NotKnown(Ambiguous::Cause::kTimeout),
                        .sent_at = kSentAt,
                        .candidate_ids = {"a1", "a2"}}),
              grpc::StatusCode::UNKNOWN,
              "it is not known whether the application was made: 2 on the profile may be it "
              "(candidate_ids), and nothing is sent again under this request_id. Calling again "
              "looks once more.",
              ExpectedInfo("OUTCOME_UNKNOWN",
                           {{"phase", "SENT"},
                            {"sent_at", "2025-10-09T08:53:20.250Z"},
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
      ToldOnce({.outcome = NotKnown(Ambiguous::Cause::kTimeout), .candidate_ids = ids});
  const std::string told =
      DetailOf<google::rpc::ErrorInfo>(error.status).metadata().at("candidate_ids");
  EXPECT_EQ(told,
            "id-10,id-11,id-12,id-14,id-15,id-16,id-17,id-18,id-19,id-20,id-21,id-22,id-23,id-24,"
            "id-25,id-26,id-27,id-28,id-29");
}

TEST(OwnErrorTest, AnInvalidRequestListsItsFields) {
  ExpectError(
      InvalidRequestError({{"profile_id", "must be a UUID"}, {"product", "is required"}}),
      grpc::StatusCode::INVALID_ARGUMENT,
      "the request is wrong, nothing was done: profile_id must be a UUID; product is required.",
      ExpectedInfo("INVALID_REQUEST", {{"phase", "NOT_SENT"}}) +
          "details { [type.googleapis.com/google.rpc.BadRequest] {"
          "  field_violations { field: 'profile_id' description: 'must be a UUID' }"
          "  field_violations { field: 'product' description: 'is required' } } }");
}

TEST(OwnErrorTest, ATooLargeRequestTellsTheLimit) {
  ExpectError(
      RequestTooLargeError(65536), grpc::StatusCode::INVALID_ARGUMENT,
      "the request is larger than the 65536 bytes that this gateway takes: nothing was "
      "done. Shorten it before calling again.",
      ExpectedInfo("INVALID_REQUEST", {{"phase", "NOT_SENT"}, {"max_request_bytes", "65536"}}));
}

TEST(OwnErrorTest, OverloadIsSafeToRepeat) {
  ExpectError(OverloadedError(""), grpc::StatusCode::RESOURCE_EXHAUSTED,
              "this gateway has as many calls under way as it takes: nothing was done. It is safe "
              "to call again after the delay in RetryInfo.",
              ExpectedInfo("OVERLOADED", {{"phase", "NOT_SENT"}}) + kRetryInASecond);
}

TEST(OwnErrorTest, AnUnknownMethodPointsToReflection) {
  ExpectError(UnknownMethodError(), grpc::StatusCode::UNIMPLEMENTED,
              "this gateway has no such method: nothing was done. Server reflection lists what it "
              "has.",
              ExpectedInfo("UNKNOWN_METHOD", {{"phase", "NOT_SENT"}}));
}

TEST(OwnErrorTest, ADrainOrAnOverloadNamesTheRequestIdButSpeaksOfTheCall) {
  ExpectError(OverloadedError("order-1"), grpc::StatusCode::RESOURCE_EXHAUSTED,
              "this gateway has as many calls under way as it takes: nothing was done. It is safe "
              "to call again after the delay in RetryInfo.",
              ExpectedInfo("OVERLOADED", {{"phase", "NOT_SENT"}}) + kRetryInASecond + kRequestInfo);
  ExpectError(DrainingError("order-1"), grpc::StatusCode::UNAVAILABLE,
              "this gateway is stopping: nothing was done. It is safe to call again; another "
              "replica answers.",
              ExpectedInfo("DRAINING", {{"phase", "NOT_SENT"}}) + kRetryInASecond + kRequestInfo);
}

TEST(TrailerSizeTest, StaysBelow8KibibytesInTheWorstCases) {
  // 200 bytes is the longest message that PassfortAnswer holds.
  const std::string longest(200, '\x7f');
  const CallError ambiguous = ToldPlain(
      {.outcome = NotKnown(Ambiguous::Cause::kServerError, AnAnswer(599, 2147483647, longest)),
       .sent_at = kSentAt});
  EXPECT_LT(TrailerBytes(AsReceived(ambiguous)), 2048u);

  pb::AddProductApplicationRequest wrong;
  wrong.set_profile_id(std::string(60'000, '\n'));
  wrong.mutable_product()->set_alias(std::string(60'000, '\n'));
  wrong.mutable_product()->set_id(std::string(60'000, '\n'));
  wrong.set_associated_role(static_cast<pb::AssociatedRole>(-1));
  wrong.set_request_id(std::string(60'000, '\n'));
  const CallError invalid =
      InvalidRequestError(std::get<std::vector<FieldViolation>>(CheckRequest(wrong)));
  EXPECT_LT(TrailerBytes(AsReceived(invalid)), 4096u);

  const std::string request_id(kLongestRequestIdBytes, '~');
  const CallError undecided =
      ErrorOf({.outcome = NotKnown(Ambiguous::Cause::kServerError, AnAnswer(599, 1, longest)),
               .sent_at = kSentAt,
               .known_by = kEndedAt,
               .candidate_ids = std::vector<std::string>(1000, std::string(100, '%'))},
              {.request_id = request_id, .now = kEndedAt});
  EXPECT_THAT(AsReceived(undecided), IsWellFormedError());
  EXPECT_LT(TrailerBytes(AsReceived(undecided)), 4096u);
}

TEST(GrpcCodeNameTest, IsTheNameOfTheCode) {
  EXPECT_EQ(GrpcCodeName(grpc::StatusCode::OK), "OK");
  EXPECT_EQ(GrpcCodeName(grpc::StatusCode::ABORTED), "ABORTED");
  EXPECT_EQ(GrpcCodeName(grpc::StatusCode::RESOURCE_EXHAUSTED), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(GrpcCodeName(grpc::StatusCode::UNAUTHENTICATED), "UNAUTHENTICATED");
  EXPECT_EQ(GrpcCodeName(grpc::StatusCode::DO_NOT_USE), "UNKNOWN");
}

}  // namespace
}  // namespace gateway
