#include "service/passfort/mapping/profile_json.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

pb::CreateProfileRequest Request(const std::string& text) {
  pb::CreateProfileRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

TEST(CreateProfileJsonTest, HasRoleDataAndApplications) {
  const auto request = Request(R"pb(
    role: PROFILE_ROLE_COMPANY_ASSOCIATED
    collected_data {
      fields {
        key: "entity_type"
        value { string_value: "COMPANY" }
      }
    }
    product_applications { product { alias: "forexo_basic" id: "ignored" } }
    product_applications {
      product { id: "b0ce7c17-2cab-86e7-9a83-ebee0d4d5dc8" }
      associated_role: ASSOCIATED_ROLE_DIRECTOR
    }
    request_id: "never sent")pb");
  EXPECT_EQ(CreateProfileJson(request),
            R"({"applications":[{"product":{"alias":"forexo_basic"}},)"
            R"({"associated_role":"DIRECTOR",)"
            R"("product":{"id":"b0ce7c17-2cab-86e7-9a83-ebee0d4d5dc8"}}],)"
            R"("collected_data":{"entity_type":"COMPANY"},"role":"COMPANY_ASSOCIATED"})");
}

// `[]` may mean something else to Passfort than nothing.
TEST(CreateProfileJsonTest, LeavesTheApplicationsOutIfThereAreNone) {
  EXPECT_EQ(CreateProfileJson(Request("role: PROFILE_ROLE_INDIVIDUAL_CUSTOMER")),
            R"({"collected_data":{},"role":"INDIVIDUAL_CUSTOMER"})");
}

TEST(CreateProfileJsonTest, PrintsEveryKindOfValue) {
  pb::CreateProfileRequest request;
  request.set_role(pb::PROFILE_ROLE_INDIVIDUAL_CUSTOMER);
  auto& data = *request.mutable_collected_data()->mutable_fields();
  data["whole"].set_number_value(1990);
  data["negative"].set_number_value(-3);
  data["large"].set_number_value(9007199254740992.0);
  data["huge"].set_number_value(1e300);
  data["part"].set_number_value(0.5);
  data["yes"].set_bool_value(true);
  data["none"].set_null_value(google::protobuf::NULL_VALUE);
  data["text"].set_string_value("\"Zo\xc3\xab\"\n");
  data["list"].mutable_list_value()->add_values()->mutable_struct_value();
  EXPECT_EQ(CreateProfileJson(request),
            "{\"collected_data\":{\"huge\":1e+300,\"large\":9007199254740992,\"list\":[{}],"
            "\"negative\":-3,\"none\":null,\"part\":0.5,\"text\":\"\\\"Zo\xc3\xab\\\"\\n\","
            "\"whole\":1990,\"yes\":true},\"role\":\"INDIVIDUAL_CUSTOMER\"}");
}

}  // namespace
}  // namespace gateway
