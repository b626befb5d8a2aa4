#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/integration/rpc/rpc_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST(AddProductApplicationTest, AnswersWithTheApplicationThatWasMade) {
  RpcFixture fixture;
  auto request = ARequest();
  request.set_associated_role(pb::ASSOCIATED_ROLE_DIRECTOR);
  const Answered answered = fixture.Add(request);

  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_THAT(answered.response, EqualsText("product_application { id: 'a1' }"));
  EXPECT_THAT(answered.trailers, IsEmpty());
  const auto asked = fixture.writer.asked();
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(asked[0].draft, (ApplicationDraft{.profile_id = kProfileId,
                                              .product_alias = "forexo_basic",
                                              .product_id = "",
                                              .associated_role = pb::ASSOCIATED_ROLE_DIRECTOR}));
  EXPECT_EQ(asked[0].request_id, "");
}

TEST(AddProductApplicationTest, RefusesAWrongRequestBeforeAnythingIsSent) {
  RpcFixture fixture;
  pb::AddProductApplicationRequest request;
  request.set_profile_id("../..");
  const Answered answered = fixture.Add(request);

  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(answered.error(), IsWellFormedError());
  const auto bad_request = DetailOf<google::rpc::BadRequest>(answered.status);
  ASSERT_EQ(bad_request.field_violations_size(), 2);
  EXPECT_EQ(bad_request.field_violations(0).field(), "profile_id");
  EXPECT_EQ(bad_request.field_violations(1).field(), "product");
  EXPECT_THAT(fixture.writer.asked(), IsEmpty());
}

pb::AddProductApplicationRequest WithRequestId() {
  auto request = ARequest();
  request.set_request_id("order-1");
  return request;
}

TEST(AddProductApplicationTest, HandsTheRequestIdOn) {
  RpcFixture fixture;
  EXPECT_TRUE(fixture.Add(WithRequestId()).status.ok());
  ASSERT_THAT(fixture.writer.asked(), SizeIs(1));
  EXPECT_EQ(fixture.writer.asked()[0].request_id, "order-1");
}

struct OkCase {
  std::string name;
  WriteResult::Source source;
  WriteResult::Replay replay;
  std::multimap<std::string, std::string> trailers;
  std::string outcome;  // in log and metrics
};

class OkTest : public testing::TestWithParam<OkCase> {};

TEST_P(OkTest, TellsHowTheApplicationBecameKnown) {
  RpcFixture fixture;
  WriteResult result = DoneResult(AnApplication());
  result.source = GetParam().source;
  result.replay = GetParam().replay;
  fixture.writer.Answer(result);
  const Answered answered = fixture.Add(WithRequestId());

  EXPECT_TRUE(answered.status.ok());
  EXPECT_THAT(answered.response, EqualsText("product_application { id: 'a1' }"));
  EXPECT_EQ(answered.trailers, GetParam().trailers);
  fixture.log.WaitForLine("code=OK outcome=" + GetParam().outcome);
  EXPECT_EQ(fixture.Counter("passfort_gateway_write_outcomes_total",
                            {"grpc_method=\"AddProductApplication\"",
                             "outcome=\"" + GetParam().outcome + "\""}),
            1);
}

using Source = WriteResult::Source;
using Replay = WriteResult::Replay;

INSTANTIATE_TEST_SUITE_P(
    Sources, OkTest,
    testing::Values(OkCase{"Received", Source::kReceived, Replay::kNo, {}, "created"},
                    OkCase{"Reconciled",
                           Source::kReconciled,
                           Replay::kNo,
                           {{"gateway-outcome", "reconciled"}},
                           "reconciled"},
                    OkCase{"Existing",
                           Source::kExisting,
                           Replay::kNo,
                           {{"gateway-outcome", "existing"}},
                           "existing"},
                    OkCase{"ReceivedEarlier",
                           Source::kReceived,
                           Replay::kYes,
                           {{"gateway-replayed", "true"}},
                           "replayed"},
                    OkCase{"ReconciledEarlier",
                           Source::kReconciled,
                           Replay::kYes,
                           {{"gateway-replayed", "true"}, {"gateway-outcome", "reconciled"}},
                           "replayed"}),
    [](const auto& info) { return info.param.name; });

TEST(AddProductApplicationTest, TellsWhatStoodInTheWayOfARequestId) {
  RpcFixture fixture;
  fixture.writer.Answer(
      {.outcome = IdempotencyError{.cause = IdempotencyError::Cause::kStoreUnavailable}});
  const Answered answered = fixture.Add(WithRequestId());

  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(answered.status), "STORE_UNAVAILABLE");
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(DetailOf<google::rpc::RequestInfo>(answered.status).request_id(), "order-1");
  fixture.log.WaitForLine("code=UNAVAILABLE outcome=not_executed reason=STORE_UNAVAILABLE");
}

TEST(AddProductApplicationTest, TakesARequestOfExactlyTheLimit) {
  auto options = SomeOptions();
  options.max_request_bytes = ARequest().ByteSizeLong();
  RpcFixture fixture(options);
  EXPECT_TRUE(fixture.Add().status.ok());
}

TEST(AddProductApplicationTest, RefusesALargerRequestInItsOwnWords) {
  auto options = SomeOptions();
  options.max_request_bytes = ARequest().ByteSizeLong() - 1;
  RpcFixture fixture(options);
  const Answered answered = fixture.Add();

  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(answered.status), "INVALID_REQUEST");
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_THAT(fixture.writer.asked(), IsEmpty());
}

TEST(AddProductApplicationTest, LetsGrpcRefuseAHugeRequest) {
  RpcFixture fixture;
  auto request = ARequest();
  request.set_profile_id(std::string(80 * 1024 + 1, 'a'));
  const Answered answered = fixture.Add(request);

  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(answered.status.error_message(), HasSubstr("larger than max"));
  EXPECT_THAT(fixture.writer.asked(), IsEmpty());
}

TEST(AddProductApplicationTest, PassesARefusalOn) {
  RpcFixture fixture;
  fixture.writer.Answer(
      {.outcome = Refused{{.http_status = 404, .code = {}, .message = "no such profile"}},
       .sent_at = absl::Now()});
  const Answered answered = fixture.Add();

  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(answered.status), "PASSFORT_NOT_FOUND");
  EXPECT_THAT(answered.error(), IsWellFormedError());
}

TEST(AddProductApplicationTest, SaysWhenAnUnknownOutcomeCanBeKnown) {
  RpcFixture fixture;
  fixture.writer.Answer(
      {.outcome = Ambiguous{.cause = Ambiguous::Cause::kConnectionLost, .response = {}},
       .sent_at = absl::FromUnixSeconds(1'760'000'000)});
  const absl::Time before = absl::Now();
  const Answered answered = fixture.Add();
  const absl::Time after = absl::Now();

  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::UNKNOWN);
  EXPECT_THAT(answered.error(), IsWellFormedError());
  const auto metadata = DetailOf<google::rpc::ErrorInfo>(answered.status).metadata();
  EXPECT_EQ(metadata.at("sent_at"), "2025-10-09T08:53:20.000000Z");
  absl::Time known_by;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, metadata.at("known_by"), &known_by, nullptr));
  EXPECT_GE(known_by, absl::FromUnixMillis(absl::ToUnixMillis(before)) + absl::Seconds(65));
  EXPECT_LE(known_by, after + absl::Seconds(65));
}

// gRPC's own clients round up the time that they send, by up to 100 ms here: a margin of 100 ms on
// what arrived was none, and about one call in ten got the client library's word instead of ours.
TEST(AddProductApplicationTest, GivesTheWriterTheCallersDeadlineLessAMargin) {
  constexpr auto kClocks = 5ms;  // between the system's clock and the steady one
  RpcFixture fixture;
  grpc::ClientContext context;
  const SteadyTime before = std::chrono::steady_clock::now();
  context.set_deadline(std::chrono::system_clock::now() + 90s);
  ASSERT_TRUE(fixture.AddWith(context).status.ok());
  const SteadyTime after = std::chrono::steady_clock::now();
  const SteadyTime deadline = fixture.writer.asked().at(0).deadline.at();
  EXPECT_GE(deadline, before + 90s - 200ms - kClocks);
  EXPECT_LE(deadline, after + 90s - 200ms + kClocks);
}

TEST(AddProductApplicationTest, GivesTheWriterTheDefaultIfTheCallerHasNoDeadline) {
  RpcFixture fixture;
  grpc::ClientContext context;
  const SteadyTime before = std::chrono::steady_clock::now();
  ASSERT_TRUE(fixture.AddWith(context).status.ok());
  const SteadyTime after = std::chrono::steady_clock::now();
  const SteadyTime deadline = fixture.writer.asked().at(0).deadline.at();
  EXPECT_GE(deadline, before + 65s);
  EXPECT_LE(deadline, after + 65s);
}

TEST(AddProductApplicationTest, AnswersBeforeTheClientLibraryGivesUp) {
  RpcFixture fixture;
  fixture.writer.Hold();
  Answered answered;
  // A busy machine may need longer than the margin, but not always.
  for (int attempt = 0; attempt < 5 && ReasonOf(answered.status).empty(); ++attempt) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 2s);
    answered = fixture.AddWith(context);
  }
  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(ReasonOf(answered.status), "NOT_SENT");
  EXPECT_THAT(answered.error(), IsWellFormedError());
}

TEST(AddProductApplicationTest, StopsTheWorkOfACallerThatGoesAway) {
  RpcFixture fixture;
  fixture.writer.Hold();
  grpc::ClientContext context;
  auto call = std::async(std::launch::async, [&] { return fixture.AddWith(context); });
  fixture.writer.WaitUntilAsked(1);
  context.TryCancel();

  EXPECT_EQ(call.get().status.error_code(), grpc::StatusCode::CANCELLED);
  fixture.log.WaitForLine("code=CANCELLED outcome=not_executed reason=CALLER_GONE phase=NOT_SENT");
}

TEST(AddProductApplicationTest, RemembersThatAWriteMayHaveHappenedAlsoForACallerThatLeft) {
  RpcFixture fixture;
  fixture.writer.HoldUntilStopped(SentResult(Ambiguous::Cause::kStopped));
  grpc::ClientContext context;
  auto call = std::async(std::launch::async, [&] { return fixture.AddWith(context); });
  fixture.writer.WaitUntilAsked(1);
  context.TryCancel();
  call.get();
  fixture.log.WaitForLine("code=UNKNOWN outcome=unknown reason=OUTCOME_UNKNOWN phase=SENT");
}

TEST(AddProductApplicationTest, LogsAndCountsWhyNoFurtherAttemptWasMade) {
  RpcFixture fixture;
  const std::string name = "passfort_gateway_retry_ends_total";
  const std::string method = "grpc_method=\"AddProductApplication\"";
  EXPECT_TRUE(fixture.Add().status.ok());
  EXPECT_THAT(fixture.metrics.Text(), Not(HasSubstr(name))) << "no loop ran";

  for (const RetryEnd end : {RetryEnd::kPermanent, RetryEnd::kExhausted, RetryEnd::kBudgetEmpty,
                             RetryEnd::kOutOfTime, RetryEnd::kCancelled}) {
    WriteResult result = NotSentResult(NotExecuted::Cause::kUnreachable);
    result.retry_end = end;
    fixture.writer.Answer(std::move(result));
    EXPECT_FALSE(fixture.Add().status.ok());
    const std::string value(RetryEndName(end));
    fixture.log.WaitForLine("phase=NOT_SENT retry_end=" + value + " duration_seconds");
    EXPECT_EQ(fixture.Counter(name, {method, "end=\"" + value + "\""}), 1) << value;
  }
  WriteResult done = DoneResult(AnApplication());
  done.retry_end = RetryEnd::kSucceeded;
  fixture.writer.Answer(std::move(done));
  EXPECT_TRUE(fixture.Add().status.ok());
  EXPECT_EQ(fixture.Counter(name, {method, "end=\"succeeded\""}), 1);
}

TEST(AddProductApplicationTest, CountsFailedCallsByReason) {
  RpcFixture fixture;
  EXPECT_FALSE(fixture.Add({}).status.ok());
  EXPECT_FALSE(fixture.Add({}).status.ok());
  fixture.writer.Answer(SentResult(Ambiguous::Cause::kTimeout));
  EXPECT_FALSE(fixture.Add(WithRequestId()).status.ok());

  const std::string name = "passfort_gateway_failed_calls_total";
  const std::string method = "grpc_method=\"AddProductApplication\"";
  EXPECT_EQ(fixture.Counter(
                name, {method, "grpc_code=\"INVALID_ARGUMENT\"", "reason=\"INVALID_REQUEST\""}),
            2);
  EXPECT_EQ(fixture.Counter(name, {method, "grpc_code=\"UNKNOWN\"", "reason=\"OUTCOME_UNKNOWN\""}),
            1);
}

TEST(AddProductApplicationTest, RefusesMoreCallsThanItTakes) {
  auto options = SomeOptions();
  options.max_in_flight = 1;
  RpcFixture fixture(options);
  fixture.writer.Hold();
  auto first = fixture.StartAdd();
  fixture.writer.WaitUntilAsked(1);

  const Answered second = fixture.Add();
  EXPECT_EQ(second.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(second.status), "OVERLOADED");
  EXPECT_THAT(second.error(), IsWellFormedError());

  fixture.writer.Release();
  EXPECT_TRUE(first.get().status.ok());
  EXPECT_THAT(fixture.writer.asked(), SizeIs(1));
  // The place is free as soon as the first caller has its answer, not some time later.
  EXPECT_TRUE(fixture.Add().status.ok());
}

pb::AddProductApplicationRequest ByAliasAndId() {
  auto request = ARequest();
  request.mutable_product()->set_id(kProductId);
  return request;
}

TEST(AddProductApplicationTest, WarnsOfAnotherProductThanTheOneGivenById) {
  RpcFixture fixture;
  pb::ProductApplication application = AnApplication();
  application.mutable_product()->set_id("cccccccc-0000-11ec-9621-0242ac130002");
  fixture.writer.Answer(DoneResult(application));
  const Answered answered = fixture.Add(ByAliasAndId());

  EXPECT_TRUE(answered.status.ok());
  EXPECT_EQ(answered.response.product_application().id(), "a1");
  EXPECT_THAT(answered.trailers, ElementsAre(Pair("gateway-product-mismatch", "true")));
  EXPECT_THAT(fixture.log.lines()[0],
              HasSubstr("Passfort returned a different product than the caller gave"));
}

struct ProductCase {
  std::string name;
  std::string asked;
  std::string answered;
  bool is_other;
};

class ProductMismatchTest : public testing::TestWithParam<ProductCase> {};

TEST_P(ProductMismatchTest, IsToldInATrailerOfAnOk) {
  RpcFixture fixture;
  auto request = ARequest();
  ASSERT_TRUE(
      google::protobuf::TextFormat::ParseFromString(GetParam().asked, request.mutable_product()));
  pb::ProductApplication application;
  application.set_id("a1");
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(GetParam().answered,
                                                            application.mutable_product()));
  fixture.writer.Answer(DoneResult(application));
  const Answered answered = fixture.Add(request);

  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_EQ(answered.trailers.contains("gateway-product-mismatch"), GetParam().is_other);
}

constexpr char kIdB[] = "id: 'bbbbbbbb-0000-11ec-9621-0242ac130002'";
constexpr char kIdC[] = "id: 'cccccccc-0000-11ec-9621-0242ac130002'";

INSTANTIATE_TEST_SUITE_P(
    Products, ProductMismatchTest,
    testing::Values(ProductCase{"AnotherAlias", "alias: 'gold'", "alias: 'silver'", true},
                    ProductCase{"AnotherAliasWithAnId", "alias: 'gold'",
                                absl::StrCat("alias: 'silver' ", kIdB), true},
                    ProductCase{"AnotherId", kIdB, kIdC, true},
                    ProductCase{"AnotherIdWithTheAlias", absl::StrCat("alias: 'gold' ", kIdB),
                                absl::StrCat("alias: 'gold' ", kIdC), true},
                    ProductCase{"AnotherAliasWithTheId", absl::StrCat("alias: 'gold' ", kIdB),
                                absl::StrCat("alias: 'or' ", kIdB), false},
                    ProductCase{"AliasWrittenInAnotherWay", "alias: 'gold'", "alias: ' Gold '",
                                false},
                    ProductCase{"AliasAlone", "alias: 'gold'", kIdB, false},
                    ProductCase{"IdAlone", kIdB, "alias: 'gold'", false},
                    ProductCase{"NoProduct", "alias: 'gold'", "", false}),
    [](const auto& info) { return info.param.name; });

TEST(AddProductApplicationTest, ComparesProductIdsWithoutCase) {
  RpcFixture fixture;
  pb::ProductApplication application = AnApplication();
  application.mutable_product()->set_id("bbbbbbbb-0000-11ec-9621-0242ac130002");
  fixture.writer.Answer(DoneResult(application));
  EXPECT_THAT(fixture.Add(ByAliasAndId()).trailers, IsEmpty());
}

TEST(AddProductApplicationTest, ShortensAnAnswerThatClientsWouldRefuse) {
  RpcFixture fixture;
  pb::ProductApplication application = AnApplication();
  auto& fields = *application.mutable_unmapped()->mutable_fields();
  fields["large"].set_string_value(std::string(5 * 1024 * 1024, 'x'));
  fixture.writer.Answer(DoneResult(application));
  const Answered answered = fixture.Add();

  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_THAT(answered.response, EqualsText("product_application { id: 'a1' }"));
  EXPECT_THAT(answered.trailers, ElementsAre(Pair("gateway-answer-shortened", "true")));
}

TEST(AddProductApplicationTest, SaysSoIfTheStoreHadNoRoomForAllOfAnAnswer) {
  RpcFixture fixture;
  WriteResult replayed = DoneResult(AnApplication());
  replayed.replay = WriteResult::Replay::kYes;
  replayed.is_truncated = true;
  fixture.writer.Answer(replayed);
  const Answered answered = fixture.Add();

  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_THAT(answered.trailers, UnorderedElementsAre(Pair("gateway-answer-shortened", "true"),
                                                      Pair("gateway-replayed", "true")));
}

TEST(AddProductApplicationTest, CountsAndLogsEachCallOnceWithoutItsIds) {
  RpcFixture fixture;
  fixture.Add();
  fixture.writer.Answer({.outcome = Refused{{.http_status = 422, .code = 201, .message = "canary"}},
                         .sent_at = absl::Now()});
  fixture.Add();

  const std::string service = absl::StrCat("grpc_service=\"", kServiceName, "\"");
  const std::string method = "grpc_method=\"AddProductApplication\"";
  EXPECT_EQ(fixture.Counter("grpc_server_started_total", {service, method}), 2);
  EXPECT_EQ(fixture.Counter("grpc_server_handled_total", {service, method, "grpc_code=\"OK\""}), 1);
  EXPECT_EQ(fixture.Counter("grpc_server_handled_total",
                            {service, method, "grpc_code=\"INVALID_ARGUMENT\""}),
            1);
  EXPECT_THAT(
      fixture.log.lines(),
      ElementsAre(
          MatchesRegex("call method=AddProductApplication code=OK outcome=created "
                       "duration_seconds trace_id=[0-9a-f]{32} caller=local"),
          MatchesRegex("call method=AddProductApplication code=INVALID_ARGUMENT "
                       "outcome=refused reason=PASSFORT_REJECTED_INPUT phase=ANSWERED "
                       "http_status=422 duration_seconds trace_id=[0-9a-f]{32} caller=local")));
}

TEST(AddProductApplicationTest, AnswersManyCallsAtOnce) {
  constexpr int kCalls = 50;
  RpcFixture fixture;
  fixture.writer.Hold();
  std::vector<std::future<Answered>> calls;
  for (int i = 0; i < kCalls; ++i) calls.push_back(fixture.StartAdd());
  fixture.writer.WaitUntilAsked(kCalls);
  fixture.writer.Release();
  for (auto& call : calls) {
    const grpc::Status status = call.get().status;
    EXPECT_TRUE(status.ok()) << status.error_code() << ": " << status.error_message();
  }
}

}  // namespace
}  // namespace gateway
