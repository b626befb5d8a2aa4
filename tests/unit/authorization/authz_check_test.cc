#include "service/authorization/authz_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_file.h"
#include "tests/unit/authorization/policy_oracle.h"

namespace gateway {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPolicy =
    R"({"name": "shop",
        "deny_rules": [{"name": "not bert", "source": {"principals": ["bert"]}}],
        "allow_rules": [{"name": "orders", "request": {"paths": ["/shop.v1.Orders/*"]}}]})";

struct Result {
  int exit_code;
  std::string out;
  std::string err;
};

Result Check(const std::vector<std::string_view>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const int exit_code = AuthzCheck(arguments, kTestMethods, out, err);
  return {.exit_code = exit_code, .out = out.str(), .err = err.str()};
}

class AuthzCheckTest : public testing::Test {
 protected:
  Result Ask(std::string_view principal, std::string_view method) const {
    return Check({file_.path(), "--principal", principal, "--method", method});
  }

  const TemporaryFile file_{kPolicy};
};

TEST_F(AuthzCheckTest, SaysThatACallIsAllowedAndByWhichRule) {
  const Result result = Ask("anna", "/shop.v1.Orders/Add");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("allowed: \"anna\" calling /shop.v1.Orders/Add\n"),
                                HasSubstr("rule: \"orders\"\n"), HasSubstr("policy: \"shop\", ")));
  EXPECT_EQ(result.err, "");
}

TEST_F(AuthzCheckTest, SaysWhichRuleDenies) {
  const Result result = Ask("bert", "/shop.v1.Orders/Add");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, AllOf(HasSubstr("denied: "), HasSubstr("rule: \"not bert\"\n")));
}

TEST_F(AuthzCheckTest, SaysThatNoRuleMatches) {
  const Result result = Ask("anna", "/shop.v1.Stock/Get");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("rule: none matches"));
}

TEST_F(AuthzCheckTest, SaysThatNobodyIsAlwaysDenied) {
  const Result result = Ask("", "/shop.v1.Orders/Add");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("without a principal"));
}

TEST_F(AuthzCheckTest, RefusesAPrincipalThatNoCertificateCanGive) {
  for (const std::string_view principal : {"Anna", "spiffe://example.org", "*", "a/b"}) {
    const Result result = Ask(principal, "Add");
    EXPECT_EQ(result.exit_code, 2) << principal;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, AllOf(HasSubstr("no certificate can give"), HasSubstr("--help")));
  }
}

TEST_F(AuthzCheckTest, TakesShortNamesOfMethods) {
  for (const std::string_view name :
       {"shop.v1.Orders/Add", "v1.Orders/Add", "Orders/Add", "Add", "/shop.v1.Orders/Add"}) {
    EXPECT_THAT(Ask("anna", name).out, HasSubstr("/shop.v1.Orders/Add")) << name;
  }
}

TEST_F(AuthzCheckTest, RefusesNamesOfNoMethodAndOfTwo) {
  for (const std::string_view name : {"Remove", "", "dd", "rders/Add", "/Orders/Add"}) {
    const Result result = Ask("anna", name);
    EXPECT_EQ(result.exit_code, 2) << name;
    EXPECT_THAT(result.err, HasSubstr("is none of this gateway's")) << name;
  }
  const Result result = Ask("anna", "Get");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("more than one"), HasSubstr("/shop.v1.Orders/Get"),
                    HasSubstr("/shop.v1.Stock/Get"), Not(HasSubstr("/shop.v1.Orders/Add"))));
}

TEST_F(AuthzCheckTest, TakesOptionsInAnyOrderAndWithEqualsSigns) {
  EXPECT_EQ(Check({"--method=Add", "--principal=anna", file_.path()}).exit_code, 0);
  EXPECT_EQ(Check({"--principal=", "--method=Add", file_.path()}).exit_code, 1);
}

TEST_F(AuthzCheckTest, RefusesWrongUsage) {
  const std::string_view file = file_.path();
  for (const std::vector<std::string_view>& arguments : std::vector<std::vector<std::string_view>>{
           {},
           {file},
           {file, "--principal", "anna"},
           {file, "--method", "Add"},
           {"--principal", "anna", "--method", "Add"},
           {file, "--principal", "anna", "--method"},
           {file, "--principal", "anna", "--method", "Add", "more"},
           {file, "--principal", "anna", "--principal", "bert", "--method", "Add"},
           {file, "--principals", "anna", "--method", "Add"},
           {file, "--verbose", "--principal", "anna", "--method", "Add"}}) {
    const Result result = Check(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("--help"));
  }
}

TEST_F(AuthzCheckTest, HelpSaysHowToUseIt) {
  const Result result = Check({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("--principal"), HasSubstr("Exit codes")));
}

TEST_F(AuthzCheckTest, ABadFileIsAnErrorWithItsPlace) {
  const TemporaryFile bad("{\n \"nam\": 1}");
  const Result result = Check({bad.path(), "--principal=anna", "--method=Add"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr(bad.path()), HasSubstr("line 2, column 2")));
}

TEST_F(AuthzCheckTest, AMissingFileIsAnError) {
  const Result result = Check({"/nowhere/policy.json", "--principal=anna", "--method=Add"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("/nowhere/policy.json: No such file"));
}

TEST_F(AuthzCheckTest, WarnsOfAFileThatTheGatewayWouldRefuse) {
  std::filesystem::permissions(file_.path(), std::filesystem::perms(0664));
  const Result result = Ask("anna", "Add");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("chmod go-w"));
}

}  // namespace
}  // namespace gateway
