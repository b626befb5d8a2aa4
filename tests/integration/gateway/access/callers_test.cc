// What the callers file lets each caller use, seen from outside.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/gateway/access/access_fixture.h"
#include "tests/integration/gateway/at_most_once_fixture.h"

namespace gateway {
namespace {

using ::grpc::StatusCode;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSupport[] = "spiffe://bank.example/ns/support/sa/app";
constexpr char kForexoId[] = "ea63b8e1-3bf0-4d0c-b3a8-4f2b2d1f0a11";
constexpr char kMemoryStore[] = "--store=sqlite::memory:";

// Of onboarding, with these limits; nobody else may call unless `rest` says otherwise.
std::string Callers(const json& limits, const json& rest = nullptr) {
  json onboarding = {{"name", "onboarding"}, {"principals", {kOnboarding}}};
  onboarding.update(limits);
  return json({{"callers", {onboarding}}, {"default", rest}}).dump(2);
}

class CallersFixture {
 public:
  explicit CallersFixture(const std::string& callers, std::vector<std::string> flags = {})
      : files_({{"callers.json", callers}}), tls_(WithCallers(std::move(flags))) {}

  GatewayCaller CallerOf(const std::string& principal = kOnboarding) const {
    return tls_.CallerWith(CallerContent({Uri(principal)}));
  }
  void ChangeCallers(const std::string& callers) { files_.Change({{"callers.json", callers}}); }

  FakePassfort& passfort() { return tls_.passfort; }
  const GatewayProcess& gateway() const { return tls_.gateway; }

 private:
  std::vector<std::string> WithCallers(std::vector<std::string> flags) const {
    flags.push_back("--callers_file=" + files_.File("callers.json"));
    return flags;
  }

  MountedFiles files_;
  MutualTlsFixture tls_;
};

void ExpectRefused(const Answered& answered, StatusCode code, const std::string& reason) {
  EXPECT_EQ(answered.status.error_code(), code) << answered.status.error_message();
  EXPECT_EQ(ReasonOf(answered.status), reason) << answered.status.error_message();
  EXPECT_THAT(answered.error(), IsWellFormedError());
}

std::string ResetsAt(const Answered& answered) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(answered.status);
  const auto found = info.metadata().find("resets_at");
  return found == info.metadata().end() ? "" : found->second;
}

// ---- Who. ----

TEST(CallersTest, WhoHasNoEntryMayNotCallUnlessThereIsADefault) {
  CallersFixture fixture(Callers(json::object()));
  ExpectRefused(fixture.CallerOf(kSupport).Add(), StatusCode::PERMISSION_DENIED,
                "CALLER_NOT_ALLOWED");
  EXPECT_EQ(fixture.passfort().counts().requests, 0);
  EXPECT_TRUE(fixture.CallerOf().Add().status.ok());
  fixture.ChangeCallers(Callers(json::object(), json::object()));
  fixture.gateway().WaitForLogLine("callers file changed");
  EXPECT_TRUE(fixture.CallerOf(kSupport).Add().status.ok());
}

TEST(CallersTest, LogAndMetricsCallThemByTheirNames) {
  CallersFixture fixture(Callers({{"products", {"forexo_basic"}}}, {{"products", {"none"}}}));
  pb::AddProductApplicationRequest other = ARequest();
  other.mutable_product()->set_alias("something_else");
  ExpectRefused(fixture.CallerOf().Add(other), StatusCode::PERMISSION_DENIED, "CALLER_NOT_ALLOWED");
  ExpectRefused(fixture.CallerOf(kSupport).Add(), StatusCode::PERMISSION_DENIED,
                "CALLER_NOT_ALLOWED");
  for (const char* const name : {"onboarding", "other"}) {
    EXPECT_EQ(fixture.gateway().Counter(
                  "passfort_gateway_failed_calls_total",
                  {"reason=\"CALLER_NOT_ALLOWED\"", std::string("caller=\"") + name + "\""}),
              1)
        << name;
  }
  EXPECT_THAT(fixture.gateway().Metrics(), Not(HasSubstr("spiffe://")));
  fixture.gateway().WaitForLogLine(kSupport);
}

// ---- What for. ----

TEST(CallersTest, EveryNameOfAProductHasToBeListed) {
  CallersFixture fixture(Callers({{"products", {"forexo_basic"}}}));
  const GatewayCaller caller = fixture.CallerOf();
  EXPECT_TRUE(caller.Add().status.ok());
  pb::AddProductApplicationRequest with_id = ARequest();
  with_id.mutable_product()->set_id(kForexoId);
  pb::AddProductApplicationRequest id_alone = with_id;
  id_alone.mutable_product()->clear_alias();
  for (const auto& request : {with_id, id_alone}) {
    const Answered refused = caller.Add(request);
    ExpectRefused(refused, StatusCode::PERMISSION_DENIED, "CALLER_NOT_ALLOWED");
    EXPECT_THAT(refused.status.error_message(), Not(HasSubstr(kForexoId)));
  }
  EXPECT_EQ(fixture.passfort().counts().posts_begun, 1);
}

TEST(CallersTest, ARequestIdCanBeRequired) {
  CallersFixture fixture(Callers({{"request_id", "required"}}), {kMemoryStore});
  const Answered refused = fixture.CallerOf().Add();
  ExpectRefused(refused, StatusCode::INVALID_ARGUMENT, "INVALID_REQUEST");
  EXPECT_THAT(refused.status.error_message(), HasSubstr("request_id"));
  EXPECT_TRUE(fixture.CallerOf().Add(ARequestWithId()).status.ok());
}

// ---- How much. ----

TEST(CallersTest, AHogLeavesTheOtherCallersTheirPlaces) {
  CallersFixture fixture(Callers({{"max_in_flight", 8}}, json::object()), {"--max_in_flight=16"});
  fixture.passfort().Script(
      {.endpoint = Endpoint::kAdd, .times = 8, .hold = Fault::Hold::kBeforeAnswer});
  const GatewayCaller hog = fixture.CallerOf();
  {
    ManyCalls held;
    for (int i = 0; i < 8; ++i) held.Start(hog);
    ASSERT_TRUE(
        fixture.passfort().WaitUntil([&] { return fixture.passfort().counts().posts_begun == 8; }));
    const GatewayCaller other = fixture.CallerOf(kSupport);
    constexpr int kCalls = 200;
    int served = 0;
    for (int i = 0; i < kCalls; ++i) {
      const Answered refused = hog.Add();
      ExpectRefused(refused, StatusCode::RESOURCE_EXHAUSTED, "CALLER_OVERLOADED");
      if (other.Add().status.ok()) ++served;
    }
    EXPECT_EQ(served, kCalls);
    fixture.passfort().Release();
    held.ForEach([](const Answered& answered) { EXPECT_TRUE(answered.status.ok()); });
  }
  EXPECT_TRUE(hog.Add().status.ok()) << "its places are free again";
}

// The caller has gone, but its write goes on.
TEST(CallersTest, AWriteWithoutACallerHoldsItsPlace) {
  CallersFixture fixture(Callers({{"max_in_flight", 1}}), {kMemoryStore});
  fixture.passfort().Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  const GatewayCaller caller = fixture.CallerOf();
  EXPECT_FALSE(caller.Add(ARequestWithId("left"), std::chrono::milliseconds(500)).status.ok());
  ASSERT_EQ(fixture.passfort().counts().posts_begun, 1);
  ExpectRefused(caller.Add(ARequestWithId("next")), StatusCode::RESOURCE_EXHAUSTED,
                "CALLER_OVERLOADED");
  fixture.passfort().Release();
  Answered next = caller.Add(ARequestWithId("next"));
  while (ReasonOf(next.status) == "CALLER_OVERLOADED") next = caller.Add(ARequestWithId("next"));
  EXPECT_TRUE(next.status.ok()) << next.status.error_message();
}

TEST(CallersTest, CallsPerMinuteAreBounded) {
  CallersFixture fixture(Callers({{"calls_per_minute", 5}}));
  const GatewayCaller caller = fixture.CallerOf();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(caller.Add().status.ok());
  const Answered refused = caller.Add();
  ExpectRefused(refused, StatusCode::RESOURCE_EXHAUSTED, "CALLER_RATE_REACHED");
  const auto wait = DetailOf<google::rpc::RetryInfo>(refused.status).retry_delay();
  EXPECT_GT(wait.seconds() * 1000 + wait.nanos() / 1'000'000, 0);
  EXPECT_LE(wait.seconds(), 12) << "one of five calls a minute";
}

// ---- How much in a day. ----

TEST(CallersTest, WritesPerDayAreBoundedWithAndWithoutARequestId) {
  CallersFixture fixture(Callers({{"writes_per_day", 2}}), {kMemoryStore});
  const GatewayCaller caller = fixture.CallerOf();
  EXPECT_TRUE(caller.Add(ARequestWithId("one")).status.ok());
  EXPECT_TRUE(caller.Add().status.ok());
  for (const auto& request : {ARequestWithId("two"), ARequest()}) {
    const Answered refused = caller.Add(request);
    ExpectRefused(refused, StatusCode::RESOURCE_EXHAUSTED, "CALLER_BUDGET_REACHED");
    EXPECT_THAT(ResetsAt(refused), HasSubstr("T00:00:00"));
    EXPECT_EQ(refused.trailers.find("grpc-retry-pushback-ms")->second, "-1");
  }
  EXPECT_EQ(fixture.passfort().counts().posts_begun, 2);
  const Answered again = caller.Add(ARequestWithId("one"));
  EXPECT_TRUE(again.status.ok()) << "what was made is told all the same: "
                                 << again.status.error_message();
}

TEST(CallersTest, WhatPassfortRefusesIsGivenBack) {
  CallersFixture fixture(Callers({{"writes_per_day", 1}}), {kMemoryStore});
  const GatewayCaller caller = fixture.CallerOf();
  fixture.passfort().Script({.endpoint = Endpoint::kAdd,
                             .times = 2,
                             .carry_out = Fault::CarryOut::kNever,
                             .answer = {.status = 422}});
  ExpectRefused(caller.Add(), StatusCode::INVALID_ARGUMENT, "PASSFORT_REJECTED_INPUT");
  ExpectRefused(caller.Add(ARequestWithId("one")), StatusCode::INVALID_ARGUMENT,
                "PASSFORT_REJECTED_INPUT");
  const Answered made = caller.Add();
  EXPECT_TRUE(made.status.ok()) << made.status.error_message();
  ExpectRefused(caller.Add(), StatusCode::RESOURCE_EXHAUSTED, "CALLER_BUDGET_REACHED");
}

TEST(CallersTest, AHigherLimitHoldsAtOnceAndABadFileChangesNothing) {
  CallersFixture fixture(Callers({{"writes_per_day", 1}}), {kMemoryStore});
  const GatewayCaller caller = fixture.CallerOf();
  EXPECT_TRUE(caller.Add().status.ok());
  ExpectRefused(caller.Add(), StatusCode::RESOURCE_EXHAUSTED, "CALLER_BUDGET_REACHED");
  fixture.ChangeCallers("{\n  \"callers\": [],\n  \"defalt\": null\n}");
  EXPECT_THAT(fixture.gateway().WaitForLogLine("callers_file: not used"),
              AllOf(HasSubstr("line 3"), HasSubstr("defalt")));
  ExpectRefused(caller.Add(), StatusCode::RESOURCE_EXHAUSTED, "CALLER_BUDGET_REACHED");
  fixture.ChangeCallers(Callers({{"writes_per_day", 2}}));
  fixture.gateway().WaitForLogLine("callers file changed");
  EXPECT_TRUE(caller.Add().status.ok());
}

TEST(CallersTest, WithoutTheStoreNoWriteOfABudgetIsSent) {
  const TemporaryFolder folder;
  CallersFixture fixture(Callers({{"writes_per_day", 100}}),
                         {"--store=sqlite:" + folder.File("store.db")});
  const GatewayCaller caller = fixture.CallerOf();
  std::filesystem::rename(folder.File("store.db"), folder.File("elsewhere"));
  for (const auto& request : {ARequest(), ARequestWithId()}) {
    ExpectRefused(caller.Add(request), StatusCode::UNAVAILABLE, "STORE_UNAVAILABLE");
  }
  EXPECT_EQ(fixture.passfort().counts().posts_begun, 0);
}

TEST(CallersTest, ABudgetWithoutAStoreStopsTheStart) {
  const MountedFiles callers({{"callers.json", Callers({{"writes_per_day", 100}})}});
  const TestAuthority authority;
  const TlsIdentity server = authority.Issue({"127.0.0.1"});
  const MountedFiles files({{"tls.crt", server.certificate_pem},
                            {"tls.key", server.key_pem},
                            {"ca.crt", authority.certificate_pem()}});
  const GatewayRun run = RunGateway({"--tls_cert_file=" + files.File("tls.crt"),
                                     "--tls_key_file=" + files.File("tls.key"),
                                     "--tls_client_ca_file=" + files.File("ca.crt"),
                                     "--callers_file=" + callers.File("callers.json")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("callers_file"), HasSubstr("writes_per_day"), HasSubstr("line ")));
}

// ---- Names. ----

TEST(CallersTest, ARequestIdStaysItsCallersWhenTheServiceAccountIsRenamed) {
  CallersFixture fixture(Callers(json::object(), json::object()), {kMemoryStore});
  ASSERT_TRUE(fixture.CallerOf().Add(ARequestWithId("named")).status.ok());
  ASSERT_TRUE(fixture.CallerOf(kSupport).Add(ARequestWithId("unnamed")).status.ok());
  EXPECT_EQ(ReasonOf(fixture.CallerOf(kSupport).Add(ARequestWithId("named")).status),
            "REQUEST_ID_REUSED");

  // Onboarding's account is another one now, and support gets an entry.
  constexpr char kRenamed[] = "spiffe://bank.example/ns/onboarding/sa/renamed";
  fixture.ChangeCallers(json({{"callers",
                               {{{"name", "onboarding"}, {"principals", {kRenamed}}},
                                {{"name", "support"}, {"principals", {kSupport}}}}},
                              {"default", nullptr}})
                            .dump());
  fixture.gateway().WaitForLogLine("callers file changed");
  EXPECT_TRUE(fixture.CallerOf(kRenamed).Add(ARequestWithId("named")).status.ok());
  EXPECT_TRUE(fixture.CallerOf(kSupport).Add(ARequestWithId("unnamed")).status.ok());
  EXPECT_EQ(fixture.passfort().counts().posts_begun, 2);
}

}  // namespace
}  // namespace gateway
