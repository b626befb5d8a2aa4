// The way to Passfort is lost while a POST waits in a socket, and the gateway dies or gives up.
// When the way is there again, the kernel must not deliver what nobody stands for any more: that
// would be an application made after everybody has looked and found none.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"
#include "tests/support/packet_drop_server.h"

namespace gateway {
namespace {

using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kAnswer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 45\r\n\r\n"
    R"({"id":"2ab8d9b4-7a1d-4d1c-a1b2-30c0c1bd0001"})";

std::string ApiUrl(const PacketDropServer& path) {
  return "http://127.0.0.1:" + std::to_string(path.port()) + "/4.0";
}

// One call that is answered, so that the next one takes the same connection. Gives its POST.
std::string AnswerOneCall(PacketDropServer& path, const GatewayCaller& caller) {
  auto call = caller.StartAdd();
  path.Accept();
  std::string post = path.ReadRequest();
  path.Write(kAnswer);
  EXPECT_TRUE(call.get().status.ok());
  EXPECT_THAT(post, StartsWith("POST "));
  EXPECT_THAT(post, EndsWith("}"));
  return post;
}

// Nothing is in flight any more: no kernel has a socket left that would try again, what the server
// writes is refused, and the refusal is the last that comes. Not to be put off: after
// TCP_USER_TIMEOUT the kernel gives up by itself.
void ExpectThatNothingArrives(PacketDropServer& path) {
  ASSERT_FALSE(path.ClientEnd()) << "the kernel goes on without the gateway";
  path.Open();
  path.Write("?");
  const PacketDropServer::Rest rest = path.ReadToEnd();
  EXPECT_THAT(rest.bytes, IsEmpty());
  EXPECT_TRUE(rest.was_reset);
}

TEST(BlackHoleTest, NothingArrivesOfAPostWhoseGatewayWasKilled) {
  PacketDropServer path;
  GatewayProcess gateway({.api_url = ApiUrl(path)});
  const GatewayCaller caller(gateway.target());
  const std::string post = AnswerOneCall(path, caller);

  path.Close();
  auto call = caller.StartAdd();
  path.WaitUntilUnconfirmed(post.size());
  gateway.Signal(SIGKILL);
  EXPECT_EQ(gateway.WaitForExit(), -SIGKILL);
  EXPECT_FALSE(call.get().status.ok());

  ExpectThatNothingArrives(path);
}

TEST(BlackHoleTest, NothingArrivesOfAPostThatTheGatewayGaveUp) {
  PacketDropServer path;
  GatewayProcess gateway({.api_url = ApiUrl(path), .flags = {"--attempt_timeout=1500ms"}});
  const GatewayCaller caller(gateway.target());
  const std::string post = AnswerOneCall(path, caller);

  path.Close();
  auto call = caller.StartAdd();
  path.WaitUntilUnconfirmed(post.size());
  const Answered answered = call.get();
  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::UNKNOWN);
  EXPECT_EQ(ReasonOf(answered.status), "OUTCOME_UNKNOWN");

  ExpectThatNothingArrives(path);
}

// A process that writes `post` to `port` over a socket as sockets are, and waits to be killed.
pid_t StartOrdinaryClient(int port, const std::string& post) {
  const pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address);
  // The server says when the way is closed.
  char byte = 0;
  if (recv(connection, &byte, 1, 0) == 1) send(connection, post.data(), post.size(), MSG_NOSIGNAL);
  pause();
  _exit(0);
}

// Why the two above can fail: it is not the hole, nor the death of the process, that makes the POST
// go away.
TEST(BlackHoleTest, APostInAnOrdinarySocketArrivesAfterItsProcessWasKilled) {
  const std::string post = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
  PacketDropServer path;
  const pid_t client = StartOrdinaryClient(path.port(), post);
  ASSERT_GT(client, 0);
  path.Accept();
  path.Close();
  path.Write("!");
  path.WaitUntilUnconfirmed(post.size());
  kill(client, SIGKILL);
  waitpid(client, nullptr, 0);

  const auto left_behind = path.ClientEnd();
  ASSERT_TRUE(left_behind);
  EXPECT_EQ(left_behind->state, TCP_FIN_WAIT1);
  path.Open();
  const PacketDropServer::Rest rest = path.ReadToEnd();
  EXPECT_EQ(rest.bytes, post);
  EXPECT_FALSE(rest.was_reset);
}

}  // namespace
}  // namespace gateway
