// Nothing of Passfort works for a while: hardly more requests leave the gateway than callers make
// calls, and when it works again, so does the gateway at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <tuple>

#include "tests/chaos/cluster.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::Combine;
using ::testing::Values;

enum class Kind { kFails, kDrops, kHangs, kRefuses };
enum class Mode { kPlain, kOnce };

class OutageTest : public testing::TestWithParam<std::tuple<Kind, Mode>> {
 protected:
  static constexpr int kRounds = 10;
  static constexpr int kCallsAtOnce = 40;

  pb::AddProductApplicationRequest NextRequest() const {
    pb::AddProductApplicationRequest request = RequestOf(FreshIntent());
    if (std::get<1>(GetParam()) == Mode::kPlain) request.clear_request_id();
    return request;
  }

  void Break() {
    Fault outage = {.times = Fault::kAlways, .carry_out = Fault::CarryOut::kNever};
    switch (std::get<0>(GetParam())) {
      case Kind::kFails:
        outage.answer.status = 503;
        break;
      case Kind::kDrops:
        outage.read = Fault::Read::kHeaders;
        outage.send = Fault::Send::kNothing;
        outage.then = Fault::Then::kReset;
        break;
      case Kind::kHangs:
        outage.send = Fault::Send::kNothing;
        outage.then = Fault::Then::kHang;
        break;
      case Kind::kRefuses:
        passfort_.GoAway();
        return;
    }
    passfort_.Script(outage);
  }

  void Mend() {
    passfort_.ClearFaults();
    if (std::get<0>(GetParam()) == Kind::kRefuses) passfort_.ComeBack();
  }

  // Short if every attempt of the outage takes all of it.
  static int AttemptSeconds() { return std::get<0>(GetParam()) == Kind::kHangs ? 1 : 5; }

  // Of all endpoints, as the gateway counts what it hands to the transport.
  double RequestsThatLeft() const { return gateway_.Counter("passfort_requests_total", {}); }

  TemporaryFolder folder_;
  FakePassfort passfort_;
  const GatewayProcess gateway_{
      WithStore(passfort_.url(), "sqlite:" + folder_.File("records"),
                {"--attempt_timeout=" + std::to_string(AttemptSeconds() * kSlowness) + "s"})};
  const GatewayCaller caller_{gateway_.target()};
};

TEST_P(OutageTest, MakesHardlyMoreRequestsThanCallsAndFullServiceSoonAfterIt) {
  ASSERT_TRUE(caller_.Add(NextRequest()).status.ok());
  const double before = RequestsThatLeft();
  Break();
  for (int round = 0; round < kRounds; ++round) {
    ManyCalls calls;
    for (int i = 0; i < kCallsAtOnce; ++i) calls.Start(caller_, NextRequest());
    calls.ForEach([](const Answered& answered) {
      EXPECT_FALSE(answered.status.ok());
      EXPECT_THAT(answered.error(), IsWellFormedError());
    });
  }
  EXPECT_LE((RequestsThatLeft() - before) / (kRounds * kCallsAtOnce), 1.1);

  Mend();
  const auto mended = std::chrono::steady_clock::now();
  while (!caller_.Add(NextRequest()).status.ok()) {
    ASSERT_LT(std::chrono::steady_clock::now() - mended, 5s * kSlowness) << "no service";
  }
  ManyCalls calls;
  for (int i = 0; i < kCallsAtOnce; ++i) calls.Start(caller_, NextRequest());
  calls.ForEach([](const Answered& answered) {
    EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  });
  EXPECT_LT(std::chrono::steady_clock::now() - mended, 5s * kSlowness);
}

std::string NameOf(const testing::TestParamInfo<std::tuple<Kind, Mode>>& info) {
  constexpr std::array kKinds = {"Fails", "Drops", "Hangs", "Refuses"};
  constexpr std::array kModes = {"Plain", "Once"};
  return std::string(kKinds.at(static_cast<size_t>(std::get<0>(info.param)))) +
         kModes.at(static_cast<size_t>(std::get<1>(info.param)));
}

INSTANTIATE_TEST_SUITE_P(, OutageTest,
                         Combine(Values(Kind::kFails, Kind::kDrops, Kind::kHangs, Kind::kRefuses),
                                 Values(Mode::kPlain, Mode::kOnce)),
                         NameOf);

}  // namespace
}  // namespace gateway
