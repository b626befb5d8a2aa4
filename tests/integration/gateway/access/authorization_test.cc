// What a policy lets whom do, seen from outside.

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "passfort/gateway/operations/v1/operations_service.pb.h"
#include "passfort/gateway/v1/profile_service.pb.h"
#include "tests/integration/gateway/access/access_fixture.h"
#include "tests/support/call_path.h"

namespace gateway {
namespace {

namespace operations_pb = ::passfort::gateway::operations::v1;

using ::grpc::StatusCode;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kAddPath[] = "/passfort.gateway.v1.ProductApplicationService/AddProductApplication";
constexpr char kSupport[] = "spiffe://bank.example/ns/support/sa/app";
constexpr char kOutsider[] = "spiffe://bank.example/ns/elsewhere/sa/app";

json Rule(const std::string& name, const std::string& principal,
          const std::vector<std::string>& paths) {
  return {
      {"name", name}, {"source", {{"principals", {principal}}}}, {"request", {{"paths", paths}}}};
}

std::string Policy(const std::vector<json>& allow_rules, const std::vector<json>& deny_rules = {}) {
  json policy = {{"name", "test"}, {"allow_rules", allow_rules}};
  if (!deny_rules.empty()) policy["deny_rules"] = deny_rules;
  return policy.dump(2);
}

// Onboarding may do everything.
std::string OnboardingOnly() { return Policy({Rule("onboarding", kOnboarding, {"*"})}); }

std::vector<std::string> PathsOfOurServices() {
  std::vector<std::string> paths;
  for (const auto* file : {pb::AddProductApplicationRequest::descriptor()->file(),
                           pb::CreateProfileRequest::descriptor()->file(),
                           operations_pb::GetRequestRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      const auto* const service = file->service(i);
      for (int j = 0; j < service->method_count(); ++j) {
        paths.push_back("/" + service->full_name() + "/" + service->method(j)->name());
      }
    }
  }
  return paths;
}

// A mutual TLS fixture with a policy file that can be changed.
class AuthorizationFixture {
 public:
  explicit AuthorizationFixture(const std::string& policy, std::vector<std::string> flags = {})
      : files_({{"policy.json", policy}}), tls_(WithPolicy(std::move(flags))) {}

  GatewayCaller CallerOf(const std::string& principal) const {
    return tls_.CallerWith(CallerContent({Uri(principal)}));
  }
  void ChangePolicy(const std::string& policy) { files_.Change({{"policy.json", policy}}); }

  const FakePassfort& passfort() const { return tls_.passfort; }
  const GatewayProcess& gateway() const { return tls_.gateway; }

 private:
  std::vector<std::string> WithPolicy(std::vector<std::string> flags) const {
    flags.push_back("--authorization_policy_file=" + files_.File("policy.json"));
    return flags;
  }

  MountedFiles files_;
  MutualTlsFixture tls_;
};

TEST(AuthorizationTest, WhoIsAllowedGetsAnApplication) {
  const AuthorizationFixture fixture(OnboardingOnly());
  EXPECT_TRUE(fixture.CallerOf(kOnboarding).Add().status.ok());
}

TEST(AuthorizationTest, ADeniedCallReachesNobodyAndTellsOnlyTheOperatorWhy) {
  const AuthorizationFixture fixture(
      Policy({Rule("everybody", "*", {"*"})}, {Rule("no support", kSupport, {kAddPath})}));
  const Answered denied = fixture.CallerOf(kSupport).Add();
  EXPECT_EQ(denied.status.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(denied.status), "CALLER_NOT_ALLOWED");
  EXPECT_THAT(denied.error(), IsWellFormedError());
  EXPECT_THAT(denied.status.error_details(),
              AllOf(HasSubstr(kSupport), HasSubstr(kAddPath), Not(HasSubstr("no support"))));
  EXPECT_THAT(denied.status.error_message(), Not(HasSubstr("no support")));
  EXPECT_THAT(fixture.gateway().WaitForLogLine("CALLER_NOT_ALLOWED"),
              AllOf(HasSubstr("\"rule\":\"no support\""), HasSubstr("\"policy\":\""),
                    HasSubstr(std::string("\"caller\":\"") + kSupport)));
  EXPECT_THAT(fixture.passfort().requests(), IsEmpty());
}

// One that does not pass the stage would be answered as the request deserves.
TEST(AuthorizationTest, NoMethodAnswersWhoIsNotAllowed) {
  const AuthorizationFixture fixture(
      OnboardingOnly(),
      {"--reflection=on", "--channelz", "--store=sqlite::memory:", "--operations_service"});
  const GatewayCaller outsider = fixture.CallerOf(kOutsider);
  const GatewayCaller onboarding = fixture.CallerOf(kOnboarding);
  std::vector<std::string> paths = PathsOfOurServices();
  ASSERT_GE(paths.size(), 8);
  for (const char* const more :
       {"/grpc.health.v1.Health/Check", "/grpc.channelz.v1.Channelz/GetServers",
        "/passfort.gateway.v1.ProductApplicationService/NoSuchMethod", "/no.such.Service/Method"}) {
    paths.emplace_back(more);
  }
  for (const std::string& path : paths) {
    SCOPED_TRACE(path);
    EXPECT_EQ(CallPath(outsider, path).status.error_code(), StatusCode::PERMISSION_DENIED);
    EXPECT_NE(CallPath(onboarding, path).status.error_code(), StatusCode::PERMISSION_DENIED);
  }
}

TEST(AuthorizationTest, WhatACallerMadeUpIsLoggedInShortAndNotSentBack) {
  const AuthorizationFixture fixture(OnboardingOnly());
  const std::string path = "/no.such.Service/" + std::string(5'000, 'x');
  const Answered denied = CallPath(fixture.CallerOf(kOutsider), path);
  EXPECT_EQ(ReasonOf(denied.status), "CALLER_NOT_ALLOWED");
  EXPECT_THAT(denied.error(), IsWellFormedError());
  EXPECT_THAT(denied.status.error_details(), Not(HasSubstr("no.such")));
  const std::string line = fixture.gateway().WaitForLogLine("none of our methods");
  EXPECT_THAT(line,
              AllOf(HasSubstr("\"rule\":\"none\""), HasSubstr("no.such"), HasSubstr(kOutsider)));
  EXPECT_LT(line.size(), 800);
  // The call's own line is of the same trace.
  const auto trace_id = json::parse(line).at("trace_id").get<std::string>();
  fixture.gateway().WaitForLogLines(trace_id, 2);
}

TEST(AuthorizationTest, ReflectionIsNotForWhoIsNotAllowed) {
  const AuthorizationFixture fixture(OnboardingOnly(), {"--reflection=on"});
  EXPECT_EQ(CallPath(fixture.CallerOf(kOutsider),
                     "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
                .status.error_code(),
            StatusCode::PERMISSION_DENIED);
}

TEST(AuthorizationTest, ADeniedCallLeavesNoRecord) {
  AuthorizationFixture fixture(OnboardingOnly(), {"--store=sqlite::memory:"});
  pb::AddProductApplicationRequest request = ARequest();
  request.set_request_id("11111111-1111-4111-8111-111111111111");
  ASSERT_EQ(ReasonOf(fixture.CallerOf(kOutsider).Add(request).status), "CALLER_NOT_ALLOWED");
  // It would belong to the other one.
  EXPECT_TRUE(fixture.CallerOf(kOnboarding).Add(request).status.ok());
}

TEST(AuthorizationTest, ANewPolicyIsInForceSoonAndABadOneNever) {
  AuthorizationFixture fixture(OnboardingOnly());
  const GatewayCaller support = fixture.CallerOf(kSupport);
  ASSERT_EQ(ReasonOf(support.Add().status), "CALLER_NOT_ALLOWED");

  fixture.ChangePolicy(Policy({Rule("support", kSupport, {"*"})}));
  fixture.gateway().WaitForLogLine("authorization policy changed");
  EXPECT_TRUE(support.Add().status.ok());
  EXPECT_EQ(ReasonOf(fixture.CallerOf(kOnboarding).Add().status), "CALLER_NOT_ALLOWED");

  fixture.ChangePolicy("{\"name\": \"test\", \"allow_rules\": []}");
  EXPECT_THAT(fixture.gateway().WaitForLogLine("the policy before stays in force"),
              HasSubstr("line 1"));
  EXPECT_TRUE(support.Add().status.ok());
  EXPECT_EQ(fixture.gateway().Counter("passfort_gateway_authorization_policy_generation", {}), 2);
}

// Under versions that each allow one of two callers, and name their rule after it, no call is
// denied by the rule of the version that allows its caller.
TEST(AuthorizationTest, UnderChangesEachCallIsJudgedByOneVersion) {
  const std::string versions[] = {
      Policy({Rule("only onboarding", kOnboarding, {"*"})}, {Rule("not support", kSupport, {"*"})}),
      Policy({Rule("only support", kSupport, {"*"})},
             {Rule("not onboarding", kOnboarding, {"*"})})};
  AuthorizationFixture fixture(versions[0]);
  std::atomic<bool> is_over = false;
  std::atomic<int> others = 0;
  std::atomic<int> allowed = 0;
  std::vector<std::thread> callers;
  for (const char* const principal : {kOnboarding, kSupport}) {
    callers.emplace_back([&, principal] {
      const GatewayCaller caller = fixture.CallerOf(principal);
      while (!is_over) {
        const Answered answered = caller.Add();
        if (answered.status.ok()) ++allowed;
        if (!answered.status.ok() && ReasonOf(answered.status) != "CALLER_NOT_ALLOWED") ++others;
      }
    });
  }
  for (size_t i = 1; i <= 6; ++i) {
    fixture.ChangePolicy(versions[i % 2]);
    fixture.gateway().WaitForLogLines("authorization policy changed", i);
  }
  is_over = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(others, 0);
  EXPECT_GT(allowed, 0);
  const std::string log = fixture.gateway().LogText();
  EXPECT_THAT(log, Not(HasSubstr("\"rule\":\"none\"")));
  EXPECT_EQ(fixture.passfort().counts().created, allowed);
}

TEST(AuthorizationTest, ABadFirstPolicyStopsTheStart) {
  const TestAuthority authority;
  const TlsIdentity server = authority.Issue({"127.0.0.1"});
  const MountedFiles files({{"tls.crt", server.certificate_pem},
                            {"tls.key", server.key_pem},
                            {"ca.crt", authority.certificate_pem()},
                            {"policy.json", "{\n  \"name\": \"test\",\n  \"rules\": []\n}"}});
  const GatewayRun run = RunGateway(
      {"--tls_cert_file=" + files.File("tls.crt"), "--tls_key_file=" + files.File("tls.key"),
       "--tls_client_ca_file=" + files.File("ca.crt"),
       "--authorization_policy_file=" + files.File("policy.json")},
      {"PASSFORT_GATEWAY_API_KEY=test-key"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.output, AllOf(HasSubstr("authorization_policy_file"), HasSubstr("line 3")));
}

TEST(AuthorizationTest, TheCommandAsksAPolicy) {
  const MountedFiles files({{"policy.json", OnboardingOnly()}});
  const GatewayRun allowed = RunGateway({"authz", "check", files.File("policy.json"), "--principal",
                                         kOnboarding, "--method", "AddProductApplication"});
  EXPECT_EQ(allowed.exit_code, 0) << allowed.error;
  EXPECT_THAT(allowed.output, HasSubstr("onboarding"));
  const GatewayRun denied = RunGateway({"authz", "check", files.File("policy.json"), "--principal",
                                        kSupport, "--method", "AddProductApplication"});
  EXPECT_EQ(denied.exit_code, 1) << denied.error;
}

}  // namespace
}  // namespace gateway
