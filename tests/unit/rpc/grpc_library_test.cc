#include "service/rpc/grpc_library.h"

#include <gtest/gtest.h>

#include "service/base/version.h"

namespace gateway {
namespace {

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

}  // namespace
}  // namespace gateway
