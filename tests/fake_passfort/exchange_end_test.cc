// When an application is created, and how the exchange ends.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/fake_passfort/fake_passfort_fixture.h"
#include "tests/fake_passfort/test_connection.h"

namespace gateway {
namespace {

using Ending = Reply::Ending;
using namespace std::chrono_literals;

using ExchangeEndTest = FakePassfortFixture;

struct LostAnswerCase {
  std::string name;
  Fault::CarryOut carry_out;
  Fault::Then then;
  int created;
  Ending ending;
};

void PrintTo(const LostAnswerCase& row, std::ostream* out) { *out << row.name; }

class LostAnswerTest : public ::testing::TestWithParam<LostAnswerCase> {};

TEST_P(LostAnswerTest, EndsAsScriptedOnAFreshAndOnAReusedConnection) {
  const LostAnswerCase& row = GetParam();
  for (const int requests_before : {0, 1}) {
    FakePassfort passfort;
    TestConnection connection(passfort.port());
    if (requests_before == 1) connection.Send("GET", kApplications);
    passfort.Script({.endpoint = Endpoint::kAdd,
                     .carry_out = row.carry_out,
                     .send = Fault::Send::kNothing,
                     .then = row.then});

    const Reply reply = connection.Send("POST", kApplications, kBasic);

    EXPECT_EQ(reply.ending, row.ending);
    EXPECT_EQ(passfort.counts(kProfileId).created, row.created);
    EXPECT_EQ(passfort.counts().posts_read, 1);
    EXPECT_EQ(passfort.faults_waiting(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(
    FakePassfort, LostAnswerTest,
    ::testing::Values(LostAnswerCase{"ClosesBeforeMaking", Fault::CarryOut::kNever,
                                     Fault::Then::kClose, 0, Ending::kClosed},
                      LostAnswerCase{"ResetsBeforeMaking", Fault::CarryOut::kNever,
                                     Fault::Then::kReset, 0, Ending::kReset},
                      LostAnswerCase{"ClosesAfterMaking", Fault::CarryOut::kBeforeAnswer,
                                     Fault::Then::kAsUsual, 1, Ending::kClosed},
                      LostAnswerCase{"ResetsAfterMaking", Fault::CarryOut::kBeforeAnswer,
                                     Fault::Then::kReset, 1, Ending::kReset}),
    [](const auto& info) { return info.param.name; });

TEST_F(ExchangeEndTest, DropsBeforeReadingTheBody) {
  // More than the server reads with the headers: closing with unread bytes would be a reset.
  const std::string large_body(200'000, ' ');
  for (const auto& [then, ending] : {std::pair(Fault::Then::kClose, Ending::kClosed),
                                     std::pair(Fault::Then::kReset, Ending::kReset)}) {
    passfort_.Script({.read = Fault::Read::kHeaders,
                      .carry_out = Fault::CarryOut::kNever,
                      .send = Fault::Send::kNothing,
                      .then = then});
    EXPECT_EQ(Add(large_body).ending, ending);
  }
  EXPECT_EQ(passfort_.counts().posts_begun, 2);
  EXPECT_EQ(passfort_.counts().posts_read, 0);
  EXPECT_EQ(created(), 0);
}

TEST_F(ExchangeEndTest, MakesItAfterTheConnectionIsGone) {
  Fault late{.endpoint = Endpoint::kAdd,
             .carry_out = Fault::CarryOut::kLate,
             .carry_out_after = std::chrono::hours(1),
             .send = Fault::Send::kNothing,
             .then = Fault::Then::kReset};
  passfort_.Script(late);
  EXPECT_EQ(Add().ending, Ending::kReset);
  EXPECT_EQ(created(), 0);

  late.carry_out_after = 20ms;
  passfort_.Script(late);
  EXPECT_EQ(Add().ending, Ending::kReset);
  EXPECT_TRUE(WaitUntilCreated(1)) << "waited for the late application";
  EXPECT_NE(passfort_.requests()[1].made_id, "");
}

TEST_F(ExchangeEndTest, KeepsAConnectionWhoseApplicationIsMadeLater) {
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .carry_out = Fault::CarryOut::kLate,
                    .carry_out_after = 20ms,
                    .answer = {.status = 504}});
  TestConnection connection(passfort_.port());
  EXPECT_EQ(connection.Send("POST", kApplications, kBasic).status, 504);
  EXPECT_EQ(connection.Send("GET", "/4.0/whoami").status, 200);
  EXPECT_TRUE(WaitUntilCreated(1)) << "waited for the late application";
}

TEST_F(ExchangeEndTest, HangsUntilTheClientLeavesAndMakesItThen) {
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .carry_out = Fault::CarryOut::kLate,
                    .send = Fault::Send::kNothing,
                    .then = Fault::Then::kHang});
  auto connection = std::make_unique<TestConnection>(passfort_.port());
  connection->Write("POST", kApplications, kBasic);
  ASSERT_TRUE(passfort_.WaitUntil([this] { return passfort_.counts().posts_read == 1; }))
      << "waited for the request";
  EXPECT_EQ(Get(kApplications).body, "[]");
  connection.reset();
  EXPECT_TRUE(WaitUntilCreated(1)) << "waited for the application of the client that left";
}

TEST_F(ExchangeEndTest, GoesOnAfterTheClientHasLeft) {
  passfort_.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeCarryingOut});
  auto connection = std::make_unique<TestConnection>(passfort_.port());
  connection->Write("POST", kApplications, kBasic);
  ASSERT_TRUE(passfort_.WaitUntil([this] { return passfort_.counts().posts_read == 1; }))
      << "waited for the request";
  connection.reset();
  EXPECT_EQ(created(), 0);
  passfort_.Release();
  EXPECT_TRUE(WaitUntilCreated(1)) << "waited for the application of the client that left";
}

TEST_F(ExchangeEndTest, AnswersAnotherConnectionWhileOneIsHeld) {
  passfort_.Script({.times = 300, .hold = Fault::Hold::kBeforeAnswer});
  std::vector<std::unique_ptr<TestConnection>> held;
  for (int i = 0; i < 300; ++i) {
    held.push_back(std::make_unique<TestConnection>(passfort_.port()));
    held.back()->Write("POST", kApplications, kBasic);
  }
  ASSERT_TRUE(WaitUntilCreated(300)) << "waited for the held requests";
  EXPECT_EQ(Get("/4.0/whoami").status, 200);
  passfort_.Release();
  for (auto& connection : held) EXPECT_EQ(connection->Read().status, 200);
}

}  // namespace
}  // namespace gateway
