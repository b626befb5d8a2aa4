#include "service/rpc/connections/connection_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gateway {
namespace {

using Result = FairShares::Result;

int OpenSocket() { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

TEST(ConnectionTableTest, ForgetsAConnectionWhoseDescriptorWasClosed) {
  ConnectionTable table(10);
  const int descriptor = OpenSocket();
  ASSERT_EQ(table.Add(descriptor, "a"), Result::kTaken);
  table.RemoveEnded();
  EXPECT_EQ(table.size(), 1U);
  close(descriptor);
  table.RemoveEnded();
  EXPECT_EQ(table.size(), 0U);
}

TEST(ConnectionTableTest, ForgetsAConnectionWhoseDescriptorStandsForAnother) {
  ConnectionTable table(10);
  const int first = OpenSocket();
  ASSERT_EQ(table.Add(first, "a"), Result::kTaken);
  const int second = OpenSocket();
  ASSERT_EQ(dup3(second, first, O_CLOEXEC), first);
  table.RemoveEnded();
  EXPECT_EQ(table.size(), 0U);
  close(first);
  close(second);
}

TEST(ConnectionTableTest, LooksForEndedOnesBeforeItSaysNo) {
  ConnectionTable table(1);
  const int first = OpenSocket();
  const int second = OpenSocket();
  ASSERT_EQ(table.Add(first, "a"), Result::kTaken);
  EXPECT_EQ(table.Add(second, "b"), Result::kFull);
  close(first);
  EXPECT_EQ(table.Add(second, "b"), Result::kTaken);
  close(second);
}

}  // namespace
}  // namespace gateway
