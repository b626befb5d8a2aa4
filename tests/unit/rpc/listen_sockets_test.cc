#include "service/rpc/connections/listen_sockets.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

bool Connects(const sockaddr* address, socklen_t length) {
  const int descriptor = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connects = connect(descriptor, address, length) == 0;
  close(descriptor);
  return connects;
}

bool ConnectsTo(in_addr_t host, int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(host);
  return Connects(reinterpret_cast<sockaddr*>(&address), sizeof(address));
}

bool ConnectsTo(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), path.size());
  return Connects(reinterpret_cast<sockaddr*>(&address), sizeof(address));
}

TEST(ListenSocketsTest, TakesAFreePort) {
  const auto sockets = ListenSockets::Open("127.0.0.1:0");
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  EXPECT_GT(sockets->port(), 1);
  EXPECT_TRUE(ConnectsTo(INADDR_LOOPBACK, sockets->port()));
}

TEST(ListenSocketsTest, ListensOnEveryAddressOfAName) {
  const auto sockets = ListenSockets::Open("localhost:0");
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  EXPECT_TRUE(ConnectsTo(INADDR_LOOPBACK, sockets->port()));
}

class AnyAddressTest : public testing::TestWithParam<const char*> {};

TEST_P(AnyAddressTest, IsEveryAddressOfThisMachine) {
  const auto sockets = ListenSockets::Open(absl::StrCat(GetParam(), ":0"));
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  EXPECT_THAT(sockets->descriptors(), SizeIs(1));
  EXPECT_TRUE(ConnectsTo(INADDR_LOOPBACK, sockets->port()));
  EXPECT_TRUE(ConnectsTo(INADDR_LOOPBACK + 1, sockets->port()));
}

INSTANTIATE_TEST_SUITE_P(Versions, AnyAddressTest, testing::Values("0.0.0.0", "[::]"),
                         [](const auto& host) {
                           return std::string(host.param) == "[::]" ? "IPv6" : "IPv4";
                         });

TEST(ListenSocketsTest, RefusesAPortThatIsTaken) {
  const auto first = ListenSockets::Open("127.0.0.1:0");
  ASSERT_TRUE(first.ok());
  const std::string address = absl::StrCat("127.0.0.1:", first->port());
  const auto second = ListenSockets::Open(address);
  EXPECT_THAT(std::string(second.status().message()),
              AllOf(HasSubstr(address), HasSubstr("Address already in use")));
}

TEST(ListenSocketsTest, RefusesAnAddressOfAnotherMachine) {
  const auto sockets = ListenSockets::Open("192.0.2.1:0");
  EXPECT_THAT(std::string(sockets.status().message()),
              AllOf(HasSubstr("192.0.2.1:0"), HasSubstr("Cannot assign requested address")));
}

TEST(ListenSocketsTest, ListensOnAPathAndTakesItAwayAgain) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/socket";
  {
    const auto sockets = ListenSockets::Open("unix:" + path);
    ASSERT_TRUE(sockets.ok()) << sockets.status();
    EXPECT_TRUE(ConnectsTo(path));
  }
  struct stat file = {};
  EXPECT_NE(lstat(path.c_str(), &file), 0);
}

TEST(ListenSocketsTest, ReplacesTheSocketOfAProcessThatWasKilled) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/socket";
  const int left_behind = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), path.size());
  ASSERT_EQ(bind(left_behind, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(left_behind);

  const auto sockets = ListenSockets::Open("unix:" + path);
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  EXPECT_TRUE(ConnectsTo(path));
}

TEST(ListenSocketsTest, LeavesAFileThatIsNoSocket) {
  const TemporaryFolder folder;
  const auto sockets = ListenSockets::Open("unix:" + folder.path());
  EXPECT_THAT(std::string(sockets.status().message()), HasSubstr("Address already in use"));
}

}  // namespace
}  // namespace gateway
