#ifndef TESTS_INTEGRATION_GATEWAY_CREATE_PROFILE_FIXTURE_H_
#define TESTS_INTEGRATION_GATEWAY_CREATE_PROFILE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/fake_passfort/fault.h"
#include "tests/support/read_caller.h"

namespace gateway {

inline pb::CreateProfileRequest AProfile(std::string request_id = "order-1") {
  pb::CreateProfileRequest request;
  request.set_role(pb::PROFILE_ROLE_INDIVIDUAL_CUSTOMER);
  auto& data = *request.mutable_collected_data()->mutable_fields();
  data["entity_type"].set_string_value("INDIVIDUAL");
  auto& details = *data["personal_details"].mutable_struct_value()->mutable_fields();
  auto& name = *details["name"].mutable_struct_value()->mutable_fields();
  name["family_name"].set_string_value("Okafor");
  data["number_of_things"].set_number_value(3);
  request.add_product_applications()->mutable_product()->set_alias("forexo_basic");
  request.set_request_id(std::move(request_id));
  return request;
}

// It is made, and the connection is gone before the response.
inline Fault ProfileMadeAndLost() {
  return {.endpoint = Endpoint::kProfileCreate,
          .send = Fault::Send::kNothing,
          .then = Fault::Then::kReset};
}

// Nobody will ever know by the API, so the caller is sent to the portal.
inline void ExpectUnknownForGood(const ReadAnswer<pb::CreateProfileResponse>& answer) {
  using testing::Contains;
  using testing::HasSubstr;
  using testing::Key;
  using testing::Not;
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNKNOWN) << answer.status.error_message();
  EXPECT_EQ(ReasonOf(answer.status), "OUTCOME_UNKNOWN");
  EXPECT_THAT(answer.error(), IsWellFormedError());
  const auto metadata = DetailOf<google::rpc::ErrorInfo>(answer.status).metadata();
  EXPECT_THAT(metadata, Contains(testing::Pair("request_id", "order-1")));
  EXPECT_THAT(metadata, Contains(Key("sent_at")));
  EXPECT_THAT(metadata, Not(Contains(Key("known_by"))));
  EXPECT_THAT(metadata, Contains(testing::Pair("final", "true")));
  EXPECT_THAT(metadata, Contains(Key("look_from")));
  EXPECT_THAT(answer.status.error_message(), HasSubstr("portal"));
  EXPECT_THAT(answer.status.error_message(), Not(HasSubstr("application")));
}

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_CREATE_PROFILE_FIXTURE_H_
