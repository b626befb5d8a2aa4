#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "tests/integration/rpc/rpc_fixture.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr char kRefused[] = "passfort_gateway_connections_refused_total";
constexpr char kRefusedByGrpc[] = "passfort_gateway_grpc_refusals_total";

// A connection without gRPC.
class PlainConnection {
 public:
  PlainConnection() : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval bound = {.tv_sec = kTestBound.count(), .tv_usec = 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
  }
  ~PlainConnection() { close(descriptor_); }
  PlainConnection(const PlainConnection&) = delete;
  PlainConnection& operator=(const PlainConnection&) = delete;

  bool Connect(int port) const {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  // What the server says first; 0 once it has closed the connection.
  ssize_t Read() const {
    std::array<char, 1024> bytes;
    return recv(descriptor_, bytes.data(), bytes.size(), 0);
  }

 private:
  const int descriptor_;
};

// As few as this process has open, for as long as the object lives.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none = {.rlim_cur = 1, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_ = {};
};

TEST(ConnectionsTest, WaitInTheQueueWhileAcceptingFails) {
  if (kHasSanitizer) GTEST_SKIP() << "UBSan needs descriptors: it looks at memory through a pipe";
  constexpr int kFailures = 3;
  constexpr auto kPause = 100ms;
  RpcFixture fixture;
  const PlainConnection connection;
  {
    const NoMoreDescriptors none;
    ASSERT_TRUE(connection.Connect(fixture.server->port()));
    const auto begin = std::chrono::steady_clock::now();
    while (fixture.Counter(kRefused, {"accept_failed"}) < kFailures) {
      ASSERT_LT(std::chrono::steady_clock::now(), begin + kTestBound);
    }
    EXPECT_GE(std::chrono::steady_clock::now() - begin, (kFailures - 1) * kPause);
  }
  EXPECT_GT(connection.Read(), 0);
  EXPECT_TRUE(fixture.Add().status.ok());
}

TEST(ConnectionsTest, AreClosedIfTheySayNothing) {
  auto options = SomeServerOptions();
  options.handshake_timeout = 10ms;
  RpcFixture fixture(SomeOptions(), options);
  const double refused_before = fixture.Counter(kRefusedByGrpc, {"handshake"});
  const PlainConnection connection;
  ASSERT_TRUE(connection.Connect(fixture.server->port()));
  ssize_t bytes = 0;
  while ((bytes = connection.Read()) > 0) {
  }
  EXPECT_EQ(bytes, 0) << "not closed";
  // The patched gRPC counts it.
  if (absl::StrContains(fixture.metrics.Text(), kRefusedByGrpc)) {
    EXPECT_EQ(fixture.Counter(kRefusedByGrpc, {"handshake"}), refused_before + 1);
  }
}

// Those that the tests, which cannot wait so long, set otherwise.
TEST(ConnectionsTest, HaveTheTimesOfTheDocuments) {
  EXPECT_EQ(GrpcServer::Options().handshake_timeout, 10s);
  EXPECT_EQ(GrpcServer::Options().max_turn, 30s);
  EXPECT_EQ(CallPipeline::Options().reply_read_within, 30s);
}

TEST(ConnectionsTest, AreClosedAtOnceAboveTheirNumber) {
  auto options = SomeServerOptions();
  options.max_connections = 1;
  RpcFixture fixture(SomeOptions(), options);
  const PlainConnection first;
  const PlainConnection second;
  ASSERT_TRUE(first.Connect(fixture.server->port()));
  ASSERT_GT(first.Read(), 0);
  ASSERT_TRUE(second.Connect(fixture.server->port()));
  EXPECT_EQ(second.Read(), 0);
  EXPECT_EQ(fixture.Counter(kRefused, {"max_connections"}), 1);
}

TEST(ConnectionsTest, ComeByAPathToo) {
  const TemporaryFolder folder;
  auto options = SomeServerOptions();
  options.listen = "unix:" + folder.File("socket");
  RpcFixture fixture(SomeOptions(), options);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTestBound);
  pb::AddProductApplicationResponse response;
  const auto stub = pb::ProductApplicationService::NewStub(
      grpc::CreateChannel(options.listen, grpc::InsecureChannelCredentials()));
  const auto status = stub->AddProductApplication(&context, ARequest(), &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

// gRPC's timer, which our engine keeps.
TEST(ConnectionsTest, EndAtTheirAge) {
  auto options = SomeServerOptions();
  options.max_connection_age = 50ms;
  RpcFixture fixture(SomeOptions(), options);
  const auto channel = fixture.Connect();
  ASSERT_TRUE(channel->WaitForConnected(std::chrono::system_clock::now() + kTestBound));
  EXPECT_TRUE(channel->WaitForStateChange(GRPC_CHANNEL_READY,
                                          std::chrono::system_clock::now() + kTestBound));
  grpc::ClientContext context;
  pb::AddProductApplicationResponse response;
  const auto stub = pb::ProductApplicationService::NewStub(channel);
  EXPECT_TRUE(stub->AddProductApplication(&context, ARequest(), &response).ok());
}

}  // namespace
}  // namespace gateway
