#include "service/passfort/reachability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/fakes/manual_clock.h"

namespace gateway {
namespace {

using enum TransportFault;
using testing::ElementsAre;
using testing::IsEmpty;

class ReachabilityTest : public testing::Test {
 protected:
  // The level, and the `cause`.
  class Causes final : public Log {
   public:
    bool IsOn(LogLevel) const override { return true; }
    void Write(LogLevel level, std::string_view, std::span<const LogField> fields) override {
      lines.push_back((level == LogLevel::kError ? "error " : "info ") +
                      std::string(std::get<std::string_view>(fields.front().value)));
    }
    std::vector<std::string> lines;
  };

  void End(std::initializer_list<TransportFault> faults) {
    for (const TransportFault fault : faults) reachability_.OnResult(fault);
  }
  std::vector<std::string> TakeLines() { return std::exchange(log_.lines, {}); }

  ManualClock clock_;
  Causes log_;
  Reachability reachability_{clock_, log_};
};

TEST_F(ReachabilityTest, TellsTheBeginningAndTheEndOnce) {
  End({kNone, kHostNotFound, kHostNotFound, kHostNotFound, kNone, kNone});
  EXPECT_THAT(TakeLines(), ElementsAre("error host_not_found", "info host_not_found"));
}

TEST_F(ReachabilityTest, TellsAChangeButNotOfTwoFaultsInTurns) {
  End({kHostNotFound, kConnectionRefused});
  EXPECT_THAT(TakeLines(), ElementsAre("error host_not_found"));
  clock_.Advance(Reachability::kBetweenLines);
  End({kConnectionRefused, kHostNotFound, kConnectionRefused});
  EXPECT_THAT(TakeLines(), ElementsAre("error connection_refused"));
}

TEST_F(ReachabilityTest, ALostConnectionHadBeenMade) {
  End({kConnectionLost, kResponseTimeout});
  EXPECT_THAT(TakeLines(), IsEmpty());
  End({kCertificateExpired, kConnectionLost});
  EXPECT_THAT(TakeLines(), ElementsAre("error certificate_expired", "info certificate_expired"));
}

TEST_F(ReachabilityTest, WhatTheGatewayStoppedItselfSaysNothing) {
  End({kStopped, kDeadline, kSendGateClosed, kNoMemory, kInternal});
  EXPECT_THAT(TakeLines(), IsEmpty());
  End({kProxyForbidden, kStopped, kDeadline});
  EXPECT_THAT(TakeLines(), ElementsAre("error proxy_forbidden"));
}

}  // namespace
}  // namespace gateway
