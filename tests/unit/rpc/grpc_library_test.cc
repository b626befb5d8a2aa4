#include "service/rpc/grpc_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/base/version.h"
#include "tests/integration/rpc/recording_log.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(GrpcLibraryTest, DebiansLibraryHasFaultsThatThePatchAndLaterReleasesDoNotHave) {
  EXPECT_TRUE(HasKnownFaults("1.51.1"));
  EXPECT_TRUE(HasKnownFaults("1.59.5"));
  EXPECT_FALSE(HasKnownFaults("1.51.1 hardened"));
  EXPECT_FALSE(HasKnownFaults("1.60.0"));
  EXPECT_FALSE(HasKnownFaults("2.0.0"));
}

TEST(GrpcLibraryTest, AVersionThatCannotBeReadCountsAsFaulty) {
  EXPECT_TRUE(HasKnownFaults(""));
  EXPECT_TRUE(HasKnownFaults("master"));
}

TEST(GrpcLibraryTest, TheNameTellsWhetherThePatchIsLinked) {
  EXPECT_EQ(GrpcLibrary().ends_with(" hardened"), HasHardenedGrpc());
}

TEST(GrpcLibraryTest, OneWarningNamesTheFaultsOfALibraryThatHasThem) {
  RecordingLog log;
  WarnOfGrpcFaults(log);
  if (HasKnownFaults(GrpcLibrary())) {
    EXPECT_THAT(log.lines(),
                ElementsAre(AllOf(HasSubstr("CVE-2023-44487"), HasSubstr("CVE-2023-33953"),
                                  HasSubstr("hardened"))));
  } else {
    EXPECT_THAT(log.lines(), IsEmpty());
  }
}

}  // namespace
}  // namespace gateway
