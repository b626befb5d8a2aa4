// What a caller of AddProductApplication with a request_id gets of what the engine knows, and what
// Passfort gets of what the caller asked for.

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "service/operations/add_product_application.h"
#include "service/operations/direct_writer.h"
#include "tests/unit/idempotency/engine_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kProfile[] = "96d5c92b-6e20-4b4e-9a8c-6e5d6a1f0f01";
constexpr char kApplication[] = "A1000000-6e20-4b4e-9a8c-6e5d6a1f0f01";

// A profile with a list, and what the next POST comes to.
class ScriptedPassfort final : public ApiTransport {
 public:
  ApplicationList list;
  ApiOutcome outcome = Ambiguous{};
  // What a look at one application comes to.
  ApiOutcome read = Refused{};
  std::string application_id;
  std::string body;
  std::string profile_id;
  int posts = 0;

  Task<ApiResult> Call(const ApiEndpoint& endpoint, ApiRequest request,
                       const CallContext& /*context*/) override {
    if (&endpoint == &kGetApplication) {
      application_id = request.application_id;
      co_return ApiResult{read};
    }
    profile_id = request.profile_id;
    if (!endpoint.is_write())
      co_return ApiResult{ApiResponse{std::make_shared<ApplicationList>(list)}};
    EXPECT_TRUE(request.send_before);
    ++posts;
    body = request.body;
    co_return ApiResult{outcome};
  }
};

class AtMostOnceWriterTest : public EngineTest {
 protected:
  AtMostOnceWriterTest() {
    application_->set_id(kApplication);
    application_->set_status(pb::PRODUCT_APPLICATION_STATUS_APPLIED);
  }
  void TearDown() override {
    Spawn(coordinator_.Drain());
    clock_.Advance(1h);
  }

  void Add(const ApplicationDraft& draft, Milliseconds patience = 60s) {
    result_.reset();
    Spawn(Keep(draft, patience));
    clock_.Advance(patience);
    ASSERT_TRUE(result_);
  }
  Task<void> Keep(ApplicationDraft draft, Milliseconds patience) {
    const CallContext context{.deadline = clock_.In(patience)};
    result_ = co_await writer_.Add(std::move(draft), {.request_id = kId}, context);
  }

  const std::shared_ptr<pb::ProductApplication> application_ =
      std::make_shared<pb::ProductApplication>();
  ScriptedPassfort passfort_;
  ProductApplicationClient client_{passfort_};
  AddProductApplication operation_{client_};
  Reconciler passfort_reconciler_{{}, store_, {&operation_}, clock_, observer_};
  WriteCoordinator coordinator_{DependenciesWith(passfort_reconciler_), kOptions};
  DirectWriter direct_{client_, {.clock = clock_, .random = random_, .budget = budget_}};
  ResourceClient resources_{passfort_};
  ResourceReads reads_{resources_, {.clock = clock_, .random = random_, .budget = budget_}};
  AtMostOnceWriter writer_{{.operation = operation_,
                            .coordinator = coordinator_,
                            .direct = direct_,
                            .reads = reads_,
                            .clock = clock_}};
  const ApplicationDraft draft_{.profile_id = kProfile,
                                .product_id = "dddddddd-0000-4000-8000-000000000004",
                                .associated_role = pb::ASSOCIATED_ROLE_DIRECTOR};
  std::optional<WriteResult> result_;
};

TEST_F(AtMostOnceWriterTest, SendsWhatTheCallerAskedFor) {
  passfort_.outcome = ApiResponse{application_};
  Add(draft_);
  EXPECT_EQ(passfort_.profile_id, kProfile);
  EXPECT_THAT(passfort_.body, HasSubstr(draft_.product_id));
  EXPECT_THAT(passfort_.body, HasSubstr("DIRECTOR"));
}

TEST_F(AtMostOnceWriterTest, ReturnsTheApplicationAsReceived) {
  passfort_.outcome = ApiResponse{application_};
  Add(draft_);
  EXPECT_EQ(std::get<Done>(result_->outcome).application, application_) << "not a copy";
  EXPECT_EQ(result_->replay, Replay::kNo);
  EXPECT_EQ(result_->retry_end, RetryEnd::kSucceeded);
  EXPECT_FALSE(result_->is_truncated);
  EXPECT_EQ(Find()->result.resource_id, absl::AsciiStrToLower(kApplication));
}

TEST_F(AtMostOnceWriterTest, ARepeatReturnsTheApplicationAsItIsNow) {
  passfort_.outcome = ApiResponse{application_};
  Add(draft_);
  const auto now = std::make_shared<pb::ProductApplication>(*application_);
  now->set_status(pb::PRODUCT_APPLICATION_STATUS_APPROVED);
  passfort_.read = ApiResponse{now};
  Add(draft_);
  EXPECT_EQ(std::get<Done>(result_->outcome).application, now);
  EXPECT_EQ(result_->replay, Replay::kYes);
  EXPECT_FALSE(result_->is_truncated);
  EXPECT_EQ(passfort_.application_id, kApplication);
  EXPECT_EQ(passfort_.posts, 1);
}

TEST_F(AtMostOnceWriterTest, ARepeatThatCannotReadItReturnsWhatTheStoreHas) {
  passfort_.outcome = ApiResponse{application_};
  Add(draft_);
  for (const ApiOutcome& failure : {ApiOutcome(Refused{}), ApiOutcome(NotExecuted{})}) {
    passfort_.read = failure;
    Add(draft_);
    const auto& application = *std::get<Done>(result_->outcome).application;
    EXPECT_EQ(application.id(), kApplication);
    EXPECT_EQ(application.status(), pb::PRODUCT_APPLICATION_STATUS_APPLIED);
    EXPECT_TRUE(result_->is_truncated);
  }
}

// An id that Passfort made up would become a part of a URL.
TEST_F(AtMostOnceWriterTest, ARepeatReadsNothingByAnIdThatIsNoUuid) {
  application_->set_id("../whoami");
  passfort_.outcome = ApiResponse{application_};
  Add(draft_);
  Add(draft_);
  EXPECT_EQ(std::get<Done>(result_->outcome).application->id(), "../whoami");
  EXPECT_TRUE(result_->is_truncated);
  EXPECT_EQ(passfort_.application_id, "");
}

// Else two request_ids would write to one profile at the same time.
TEST_F(AtMostOnceWriterTest, OneProfileIsOneKeyWhateverTheCaseOfItsId) {
  passfort_.outcome = ApiResponse{application_};
  ApplicationDraft draft = draft_;
  draft.profile_id = "96D5C92B-6E20-4B4E-9A8C-6E5D6A1F0F01";
  Add(draft);
  EXPECT_EQ(Find()->serialization_key, kProfile);
}

TEST_F(AtMostOnceWriterTest, FindsByProductAndRoleWhatItsRecordRemembers) {
  passfort_.list.applications = {};
  Add(draft_, 1s);
  EXPECT_TRUE(std::holds_alternative<Ambiguous>(result_->outcome));
  passfort_.list.applications = {
      {.id = "a2", .product_id = draft_.product_id, .associated_role = "DIRECTOR"}};
  Add(draft_, 60s);
  EXPECT_EQ(std::get<Done>(result_->outcome).application->id(), "a2");
  EXPECT_EQ(result_->source, ResultSource::kReconciled);
}

TEST_F(AtMostOnceWriterTest, AnUnknownOutcomeComesWithAllThatIsKnown) {
  const absl::Time sent_at = clock_.WallNow();
  passfort_.outcome = Ambiguous{.cause = Ambiguous::Cause::kTimeout};
  Add(draft_, 1s);
  EXPECT_EQ(std::get<Ambiguous>(result_->outcome).cause, Ambiguous::Cause::kTimeout);
  EXPECT_EQ(result_->sent_at, sent_at);
  EXPECT_EQ(result_->known_by, sent_at + absl::FromChrono(kOptions.settle_window));
  passfort_.list.applications = {{.id = "a2", .product_id = draft_.product_id},
                                 {.id = "a3", .product_id = draft_.product_id}};
  Add(draft_, 10s);
  EXPECT_THAT(result_->candidate_ids, ElementsAre("a2", "a3"));
}

}  // namespace
}  // namespace gateway
