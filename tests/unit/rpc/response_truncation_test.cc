#include "service/rpc/response_truncation.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/grpc_errors.h"

namespace gateway {
namespace {

constexpr size_t kLimit = 1000;

pb::AddProductApplicationResponse AnAnswer() {
  pb::AddProductApplicationResponse answer;
  auto& application = *answer.mutable_product_application();
  application.set_id("a1");
  application.set_status(pb::PRODUCT_APPLICATION_STATUS_APPLIED);
  application.mutable_product()->set_alias("forexo_basic");
  application.add_required_tasks()->set_name("Verify");
  application.add_approval_blockers()->set_event_id("e1");
  application.add_assignments();
  application.add_history()->set_comment("applied");
  application.add_flag_history()->set_flag(pb::PRODUCT_APPLICATION_FLAG_AUTOMATING);
  (*application.mutable_unmapped()->mutable_fields())["new"].set_bool_value(true);
  return answer;
}

constexpr char kWithoutUnmappedAndAssignments[] = R"pb(
  product_application {
    id: "a1"
    product { alias: "forexo_basic" }
    status: PRODUCT_APPLICATION_STATUS_APPLIED
    required_tasks { name: "Verify" }
    approval_blockers { event_id: "e1" }
    history { comment: "applied" }
    flag_history { flag: PRODUCT_APPLICATION_FLAG_AUTOMATING }
  })pb";

TEST(TruncateToFitTest, LeavesAnAnswerThatFits) {
  pb::AddProductApplicationResponse answer = AnAnswer();
  const size_t exactly = answer.ByteSizeLong();
  EXPECT_EQ(TruncateToFit(answer, exactly), ReplyTruncation::kNone);
  EXPECT_EQ(answer.SerializeAsString(), AnAnswer().SerializeAsString());
}

TEST(TruncateToFitTest, LeavesOutWhatIsUnmappedFirst) {
  pb::AddProductApplicationResponse answer = AnAnswer();
  auto& fields = *answer.mutable_product_application()->mutable_unmapped()->mutable_fields();
  fields["large"].set_string_value(std::string(kLimit, 'x'));
  EXPECT_EQ(TruncateToFit(answer, kLimit), ReplyTruncation::kTruncated);
  EXPECT_THAT(answer, EqualsText(kWithoutUnmappedAndAssignments));
}

TEST(TruncateToFitTest, LeavesOutTheAssignmentsTogetherWithIt) {
  pb::AddProductApplicationResponse answer = AnAnswer();
  auto& fields = *answer.mutable_product_application()->mutable_assignments(0)->mutable_fields();
  fields["large"].set_string_value(std::string(kLimit, 'x'));
  EXPECT_EQ(TruncateToFit(answer, kLimit), ReplyTruncation::kTruncated);
  EXPECT_THAT(answer, EqualsText(kWithoutUnmappedAndAssignments));
}

TEST(TruncateToFitTest, LeavesOutAllListsIfThatIsNotEnough) {
  pb::AddProductApplicationResponse answer = AnAnswer();
  answer.mutable_product_application()->mutable_history(0)->set_comment(std::string(kLimit, 'x'));
  EXPECT_EQ(TruncateToFit(answer, kLimit), ReplyTruncation::kTruncated);
  EXPECT_THAT(answer, EqualsText(R"pb(
                product_application {
                  id: "a1"
                  product { alias: "forexo_basic" }
                  status: PRODUCT_APPLICATION_STATUS_APPLIED
                })pb"));
}

// With a large `max_response_bytes` the answer stayed too large for a message, and the client's own
// error would have read as "not done".
TEST(TruncateToFitTest, LeavesOutTheProductAtLast) {
  pb::AddProductApplicationResponse answer = AnAnswer();
  answer.mutable_product_application()->mutable_product()->set_name(std::string(kLimit, 'x'));
  EXPECT_EQ(TruncateToFit(answer, kLimit), ReplyTruncation::kTruncated);
  EXPECT_THAT(answer, EqualsText(R"pb(
                product_application { id: "a1" status: PRODUCT_APPLICATION_STATUS_APPLIED })pb"));
}

// A shorter list would say that some are not there.
TEST(TruncateToFitTest, KeepsEveryApplicationOfAList) {
  pb::ListProductApplicationsResponse list;
  for (int i = 0; i < 100; ++i) {
    *list.add_product_applications() = AnAnswer().product_application();
  }
  EXPECT_EQ(TruncateToFit(list, kLimit), ReplyTruncation::kTruncated);
  ASSERT_EQ(list.product_applications_size(), 100);
  EXPECT_THAT(list.product_applications(99),
              EqualsText(R"pb(id: "a1" status: PRODUCT_APPLICATION_STATUS_APPLIED)pb"));
}

TEST(TruncateToFitTest, KeepsWhatIsKnownOfTheCustomerLongerThanWhatIsUnmapped) {
  pb::GetProfileResponse response;
  pb::Profile& profile = *response.mutable_profile();
  profile.set_id("p1");
  (*profile.mutable_collected_data()->mutable_fields())["entity_type"].set_string_value("COMPANY");
  (*profile.mutable_unmapped()->mutable_fields())["tasks"].set_string_value(
      std::string(kLimit, 'x'));
  *profile.add_product_applications() = AnAnswer().product_application();

  EXPECT_EQ(TruncateToFit(response, kLimit), ReplyTruncation::kTruncated);
  EXPECT_FALSE(profile.has_unmapped());
  EXPECT_FALSE(profile.product_applications(0).has_unmapped());
  EXPECT_EQ(profile.product_applications(0).history_size(), 1);
  EXPECT_TRUE(profile.has_collected_data());

  EXPECT_EQ(TruncateToFit(response, 1), ReplyTruncation::kTruncated);
  EXPECT_FALSE(profile.has_collected_data());
  EXPECT_EQ(profile.product_applications(0).id(), "a1");
}

}  // namespace
}  // namespace gateway
