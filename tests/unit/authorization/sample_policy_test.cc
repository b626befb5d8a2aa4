// deploy/base/authorization_policy.json against the services as they are.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "passfort/gateway/operations/v1/operations_service.pb.h"
#include "passfort/gateway/v1/product_application_service.pb.h"
#include "passfort/gateway/v1/profile_service.pb.h"
#include "service/authorization/authorization_policy.h"
#include "service/authorization/message_text.h"

namespace gateway {
namespace {

std::string SampleText() {
  std::ifstream file(SAMPLE_POLICY);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Of every service in the contract's files.
std::vector<std::string> AllMethods() {
  std::vector<std::string> methods;
  for (const google::protobuf::FileDescriptor* file :
       {passfort::gateway::v1::AddProductApplicationRequest::descriptor()->file(),
        passfort::gateway::v1::CreateProfileRequest::descriptor()->file(),
        passfort::gateway::operations::v1::GetRequestRequest::descriptor()->file()}) {
    for (int service = 0; service < file->service_count(); ++service) {
      for (int method = 0; method < file->service(service)->method_count(); ++method) {
        methods.push_back(MessageText("/", file->service(service)->full_name(), "/",
                                      file->service(service)->method(method)->name()));
      }
    }
  }
  return methods;
}

absl::StatusOr<AuthorizationPolicy> Sample() {
  std::vector<std::string> methods = AllMethods();
  methods.emplace_back("/grpc.health.v1.Health/Check");
  const std::vector<std::string_view> views(methods.begin(), methods.end());
  return AuthorizationPolicy::Parse(SampleText(), views);
}

TEST(SamplePolicyTest, IsAGoodPolicy) { EXPECT_TRUE(Sample().ok()) << Sample().status(); }

// A client with our service config asks before it calls, and does not call if it may not ask.
TEST(SamplePolicyTest, LetsEverybodyAskForHealth) {
  const auto policy = Sample();
  ASSERT_TRUE(policy.ok());
  EXPECT_TRUE(
      policy->Decide("spiffe://example.org/stranger", "/grpc.health.v1.Health/Check").allowed);
}

TEST(SamplePolicyTest, HasARowForEveryMethodByItsFullName) {
  std::set<std::string> rows;
  const auto policy = nlohmann::json::parse(SampleText());
  for (const auto& rule : policy.at("allow_rules")) {
    for (const auto& path : rule.at("request").at("paths")) rows.insert(path);
  }
  ASSERT_GE(AllMethods().size(), 8U);
  EXPECT_THAT(rows, testing::IsSupersetOf(AllMethods()));
}

TEST(SamplePolicyTest, AllowsNothingToWhomItDoesNotName) {
  const auto policy = Sample();
  ASSERT_TRUE(policy.ok());
  for (const std::string& method : AllMethods()) {
    EXPECT_FALSE(policy->Decide("spiffe://example.org/stranger", method).allowed) << method;
  }
}

}  // namespace
}  // namespace gateway
