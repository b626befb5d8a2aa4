#include "service/config/descriptor_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

GatewayConfig ConfigOf(int64_t calls, int64_t connections) {
  GatewayConfig config;
  config.max_in_flight = calls;
  config.max_connections = connections;
  return config;
}

TEST(DescriptorFitTest, SettingsThatFitStayAsTheyAre) {
  GatewayConfig config = ConfigOf(5000, 1000);
  EXPECT_THAT(FitToDescriptors(6128, config), IsEmpty());
  EXPECT_EQ(config.max_in_flight, 5000);
  EXPECT_EQ(config.max_connections, 1000);
}

TEST(DescriptorFitTest, ALimitThatIsNoneFitsEverything) {
  GatewayConfig config = ConfigOf(100'000, 100'000);
  EXPECT_THAT(FitToDescriptors(UINT64_MAX, config), IsEmpty());
}

TEST(DescriptorFitTest, TooFewDescriptorsAreSharedInProportion) {
  GatewayConfig config = ConfigOf(5000, 1000);
  const std::string warning = FitToDescriptors(1024, config);
  EXPECT_EQ(config.max_in_flight, 746);
  EXPECT_EQ(config.max_connections, 149);
  EXPECT_THAT(warning, HasSubstr("may need 6128 descriptors"));
  EXPECT_THAT(warning, HasSubstr("they are 746 and 149 now"));
}

TEST(DescriptorFitTest, EachSettingKeepsAFewWhateverTheLimit) {
  for (const uint64_t descriptors : {0, 64, 128, 130}) {
    GatewayConfig config = ConfigOf(5000, 1000);
    EXPECT_NE(FitToDescriptors(descriptors, config), "");
    EXPECT_EQ(config.max_in_flight, 8) << descriptors;
    EXPECT_EQ(config.max_connections, 8) << descriptors;
  }
}

TEST(DescriptorFitTest, NoSettingGrows) {
  GatewayConfig config = ConfigOf(3, 1000);
  EXPECT_NE(FitToDescriptors(140, config), "");
  EXPECT_EQ(config.max_in_flight, 3);
  EXPECT_EQ(config.max_connections, 11);
}

}  // namespace
}  // namespace gateway
