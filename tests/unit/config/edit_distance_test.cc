#include "service/config/edit_distance.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

TEST(EditDistanceTest, CountsSlips) {
  EXPECT_EQ(EditDistance("listen", "listen"), 0u);
  EXPECT_EQ(EditDistance("listen", "litsen"), 1u);
  EXPECT_EQ(EditDistance("listen", "lsiten"), 1u);
  EXPECT_EQ(EditDistance("listen", "listne"), 1u);
  EXPECT_EQ(EditDistance("listen", "listn"), 1u);
  EXPECT_EQ(EditDistance("listn", "listen"), 1u);
  EXPECT_EQ(EditDistance("listen", "llisten"), 1u);
  EXPECT_EQ(EditDistance("listen", "kisten"), 1u);
  EXPECT_EQ(EditDistance("listen", "lnsiet"), 3u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("abc", ""), 3u);
}

}  // namespace
}  // namespace gateway
