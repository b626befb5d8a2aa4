#include "service/rpc/library_log.h"

#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include "tests/integration/rpc/recording_log.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

SteadyTime now{1h};

class LibraryLogTest : public ::testing::Test {
 protected:
  // gRPC says nothing before it is initialised, which sets this too.
  LibraryLogTest() { gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR); }

  RecordingLog log_;
  Metrics metrics_;
  LibraryLog library_log_{log_, metrics_, [] { return now; }};
};

// Always from the same place.
void SayInGrpc(int times) {
  for (int i = 0; i < times; ++i) gpr_log(GPR_ERROR, "secret");
}

TEST_F(LibraryLogTest, ALineHasThePlaceAndNoneOfTheWords) {
  gpr_log(__FILE__, 7, GPR_LOG_SEVERITY_ERROR, "secret");
  EXPECT_THAT(log_.lines(),
              ElementsAre(AllOf(HasSubstr("library=gRPC file=library_log_test.cc line=7"),
                                Not(HasSubstr("secret")), HasSubstr("left_out=0"))));
}

TEST_F(LibraryLogTest, APlaceHasOneLineASecondWhichSaysHowManyWereLeftOut) {
  SayInGrpc(1000);
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("left_out=0")));
  now += 1s;
  SayInGrpc(1000);
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("left_out=0"), HasSubstr("left_out=999")));
}

TEST_F(LibraryLogTest, OnePlaceDoesNotKeepAnotherFromItsLine) {
  SayInGrpc(1000);
  for (int i = 0; i < 2; ++i) GOOGLE_LOG(ERROR) << "secret";
  EXPECT_THAT(log_.lines(),
              ElementsAre(HasSubstr("library=gRPC"), HasSubstr("library=Protocol Buffers")));
}

TEST_F(LibraryLogTest, TheMetricCountsTheMessagesWithoutALineToo) {
  SayInGrpc(1000);
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("passfort_gateway_library_messages_total{library=\"gRPC\"} 1000\n"));
}

}  // namespace
}  // namespace gateway
