// No response: what is said then, how soon, and whether anything may have left.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <stop_token>
#include <string>

#include "tests/integration/http/http_test_client.h"
#include "tests/support/black_hole.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_file.h"

namespace gateway {
namespace {

using Kind = HttpFailure::Kind;

std::string UrlOf(int port) { return "http://127.0.0.1:" + std::to_string(port); }

HttpRequest PostTo(const HttpTestClient& client, std::string url) {
  return {.method = HttpMethod::kPost,
          .url = std::move(url),
          .headers = client.headers(),
          .body = "body"};
}

// A server that reads requests and never answers; tells when it has read one.
class SilentServer {
 public:
  SilentServer()
      : server_([this](RawConnection& connection) {
          if (!connection.ReadRequest()) return;
          received_.set_value();
          connection.WaitUntilClosedByClient();
          abandoned_.set_value();
        }) {}

  std::string Url() const { return server_.Url(); }
  int port() const { return server_.port(); }
  void WaitUntilReceived() { Await(received_, "the request to arrive"); }
  void WaitUntilAbandoned() { Await(abandoned_, "the client to close the connection"); }

 private:
  static void Await(std::promise<void>& event, const char* what) {
    ASSERT_EQ(event.get_future().wait_for(kLongEnough), std::future_status::ready)
        << "waited in vain for " << what;
  }

  std::promise<void> received_;
  std::promise<void> abandoned_;
  RawHttpServer server_;
};

TEST(ConnectFailureTest, ARefusedConnectionSendsNothing) {
  const RefusingPort port;
  HttpTestClient client;
  EXPECT_TRUE(IsFailure(client.Post(UrlOf(port.port()), "x"), Kind::kConnect, Body::kNotRequested));
  EXPECT_TRUE(IsFailure(client.Post(UrlOf(port.port()), ""), Kind::kConnect, Body::kNotRequested));
  EXPECT_TRUE(IsFailure(client.Get(UrlOf(port.port())), Kind::kConnect, Body::kRequested))
      << "a GET counts as sent from its start";
}

TEST(ConnectFailureTest, AConnectThatHangsEndsAtTheConnectTimeout) {
  const BlackHole hole;
  HttpTestClient client({.connect_timeout = Milliseconds(100)});
  EXPECT_TRUE(IsFailure(client.Post(UrlOf(hole.port()), "x"), Kind::kConnect, Body::kNotRequested));
}

TEST(ConnectFailureTest, AConnectThatHangsEndsAtTheDeadline) {
  const BlackHole hole;
  HttpTestClient client({.connect_timeout = kLongEnough});
  EXPECT_TRUE(IsFailure(client.Send(PostTo(client, UrlOf(hole.port())), In(Milliseconds(50))),
                        Kind::kTimeout, Body::kNotRequested));
}

TEST(ConnectFailureTest, AHandshakeThatHangsEndsAtTheConnectTimeout) {
  RawHttpServer server([](RawConnection& connection) { connection.WaitUntilClosedByClient(); });
  HttpTestClient client({.connect_timeout = Milliseconds(100)});
  EXPECT_TRUE(IsFailure(client.Post("https://127.0.0.1:" + std::to_string(server.port()), "x"),
                        Kind::kConnect, Body::kNotRequested));
}

class TlsTest : public testing::Test {
 protected:
  const TestAuthority authority_;
  const TemporaryFile ca_file_{authority_.certificate_pem()};
  HttpTestClient client_{{.ca_file = ca_file_.path()}};
};

TEST_F(TlsTest, ATrustedServerIsSpokenTo) {
  RawHttpServer server(AnswerAll("ok"), authority_.Issue({"127.0.0.1", "localhost"}));
  EXPECT_TRUE(IsAnswer(client_.Post(server.Url(), "x"), 200, "ok"));
  EXPECT_TRUE(IsAnswer(client_.Post(server.Url("localhost"), "x"), 200, "ok"));
}

TEST_F(TlsTest, AServerOfAnUnknownAuthorityGetsNothing) {
  RawHttpServer server(AnswerAll("ok"), TestAuthority().Issue({"127.0.0.1"}));
  EXPECT_TRUE(IsFailure(client_.Post(server.Url(), "x"), Kind::kTls, Body::kNotRequested));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(TlsTest, WithoutACaFileOnlyTheSystemIsTrusted) {
  RawHttpServer server(AnswerAll("ok"), authority_.Issue({"127.0.0.1"}));
  HttpTestClient client;
  EXPECT_TRUE(IsFailure(client.Post(server.Url(), "x"), Kind::kTls, Body::kNotRequested));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(TlsTest, AServerOfAnotherNameGetsNothing) {
  RawHttpServer server(AnswerAll("ok"), authority_.Issue({"api.example.test"}));
  EXPECT_TRUE(IsFailure(client_.Post(server.Url(), "x"), Kind::kTls, Body::kNotRequested));
  EXPECT_TRUE(
      IsFailure(client_.Post(server.Url("localhost"), "x"), Kind::kTls, Body::kNotRequested));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(TlsTest, AServerThatSpeaksNoTlsGetsNothing) {
  RawHttpServer server([](RawConnection& connection) {
    connection.Write("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.WaitUntilClosedByClient();
  });
  EXPECT_TRUE(IsFailure(client_.Post("https://127.0.0.1:" + std::to_string(server.port()), "x"),
                        Kind::kTls, Body::kNotRequested));
}

TEST(HttpClientOptionsTest, ABadCaFileOrProxyIsAnErrorAtTheStart) {
  const auto loop = *EventLoop::Create();
  Metrics metrics;
  ResponseMemory memory(*loop, 1, metrics);
  EXPECT_EQ(CurlHttpClient::Create(*loop, memory, metrics, {.ca_file = "/nowhere/ca.pem"})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CurlHttpClient::Create(*loop, memory, metrics, {.proxy = "socks5://proxy.example.test"})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(DeadlineTest, OneThatHasPassedSendsNothing) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client;
  EXPECT_TRUE(IsFailure(client.Send(PostTo(client, server.Url()), In(Milliseconds(0))),
                        Kind::kTimeout, Body::kNotRequested));
  EXPECT_EQ(server.connections(), 0);
}

TEST(DeadlineTest, EndsTheWaitForAnAnswerAndClosesTheConnection) {
  SilentServer server;
  HttpTestClient client;
  const auto start = std::chrono::steady_clock::now();
  const HttpResult result =
      client.Send(PostTo(client, server.Url()), Deadline(start + Milliseconds(1000)));
  EXPECT_TRUE(IsFailure(result, Kind::kTimeout, Body::kRequested));
  EXPECT_GE(std::chrono::steady_clock::now() - start, Milliseconds(1000));
  server.WaitUntilReceived();
  server.WaitUntilAbandoned();
}

TEST(DeadlineTest, EndsASlowBody) {
  RawHttpServer server([](RawConnection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl");
    connection.WaitUntilClosedByClient();
  });
  HttpTestClient client;
  EXPECT_TRUE(IsFailure(client.Send(PostTo(client, server.Url()), In(Milliseconds(1000))),
                        Kind::kTimeout, Body::kRequested));
}

// The socket of this process that is connected to `port` of 127.0.0.1, or -1.
int SocketConnectedTo(int port) {
  constexpr int kMaxDescriptor = 1024;
  for (int descriptor = 0; descriptor < kMaxDescriptor; ++descriptor) {
    sockaddr_in peer = {};
    socklen_t size = sizeof peer;
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) return descriptor;
  }
  return -1;
}

// What the kernel goes on doing with a request after the gateway gave it up, or died.
TEST(SocketTest, ThrowsAwayWhatIsNotDeliveredAndTriesNoLongerThanTheAttempt) {
  const std::pair<Milliseconds, unsigned> cases[] = {{std::chrono::seconds(40), 20'000},
                                                     {std::chrono::seconds(10), 10'000},
                                                     {Milliseconds(1900), 2'000}};
  for (const auto& [time, longest] : cases) {
    SilentServer server;
    HttpTestClient client;
    std::stop_source stop;
    auto running = client.Start(PostTo(client, server.Url()), In(time), stop.get_token());
    server.WaitUntilReceived();
    const int socket = SocketConnectedTo(server.port());
    ASSERT_GE(socket, 0);
    linger lingering = {};
    socklen_t size = sizeof lingering;
    ASSERT_EQ(getsockopt(socket, SOL_SOCKET, SO_LINGER, &lingering, &size), 0);
    EXPECT_EQ(lingering.l_onoff, 1);
    EXPECT_EQ(lingering.l_linger, 0);
    unsigned user_timeout = 0;
    size = sizeof user_timeout;
    ASSERT_EQ(getsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, &size), 0);
    EXPECT_LE(user_timeout, longest);
    EXPECT_GE(user_timeout, 2'000u);
    client.loop().RunAndWait([&stop] { stop.request_stop(); });
    running.Wait("the stop");
  }
}

TEST(StopTest, OneRequestedBeforeSendsNothing) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(
      IsFailure(client.Send(PostTo(client, server.Url()), In(kLongEnough), stop.get_token()),
                Kind::kStopped, Body::kNotRequested));
  EXPECT_EQ(server.connections(), 0);
}

TEST(StopTest, EndsAConnect) {
  const BlackHole hole;
  HttpTestClient client({.connect_timeout = kLongEnough});
  std::stop_source stop;
  auto running =
      client.Start(PostTo(client, UrlOf(hole.port())), In(kLongEnough), stop.get_token());
  client.loop().RunAndWait([&stop] { stop.request_stop(); });
  EXPECT_TRUE(IsFailure(running.Wait("the stop"), Kind::kStopped, Body::kNotRequested));
}

TEST(StopTest, EndsTheWaitForAnAnswerAndClosesTheConnection) {
  SilentServer server;
  HttpTestClient client;
  std::stop_source stop;
  auto running = client.Start(PostTo(client, server.Url()), In(kLongEnough), stop.get_token());
  server.WaitUntilReceived();
  client.loop().RunAndWait([&stop] { stop.request_stop(); });
  EXPECT_TRUE(IsFailure(running.Wait("the stop"), Kind::kStopped, Body::kRequested));
  server.WaitUntilAbandoned();
}

// A caller who gets its response may stop others, also those whose responses came in the same turn.
TEST(StopTest, MayComeFromOneWhoWasJustAnswered) {
  constexpr int kCallers = 50;
  std::atomic<int> arrived = 0;
  std::promise<void> gate;
  const std::shared_future<void> opened = gate.get_future().share();
  RawHttpServer server([&arrived, &gate, opened](RawConnection& connection) {
    if (!connection.ReadRequest()) return;
    if (++arrived == kCallers) gate.set_value();
    opened.wait();
    connection.Answer(200, "ok");
  });
  HttpTestClient client;
  std::stop_source stop;
  const auto call = [&]() -> Task<HttpResult> {
    HttpResult result = co_await client.client().Send(PostTo(client, server.Url()), In(kLongEnough),
                                                      stop.get_token());
    stop.request_stop();
    co_return result;
  };
  std::vector<RunningTask<HttpResult>> running;
  for (int i = 0; i < kCallers; ++i) running.push_back(StartTask(client.loop(), call));
  int answers = 0;
  for (auto& task : running) {
    const HttpResult result = task.Wait("an answer or the stop");
    EXPECT_TRUE(result.may_have_sent_body);
    if (ResponseOf(result) != nullptr) {
      ++answers;
    } else {
      EXPECT_TRUE(IsFailure(result, Kind::kStopped, Body::kRequested));
    }
  }
  EXPECT_GE(answers, 1);
}

TEST(LookUpTest, AnAddressThatRefusesIsFollowedByTheNextOne) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client(
      {.look_up = [](const std::string&) { return std::vector<std::string>{"::1", "127.0.0.1"}; }});
  EXPECT_TRUE(IsAnswer(client.Post(server.Url("api.example.test"), "first"), 200, "ok"));
  EXPECT_TRUE(IsAnswer(client.Post(server.Url("api.example.test"), "second"), 200, "ok"));
  EXPECT_EQ(server.connections(), 1);
}

TEST(LookUpTest, AHostThatIsNotThereSendsNothing) {
  HttpTestClient client({.look_up = [](const std::string&) {
    return absl::StatusOr<std::vector<std::string>>(absl::UnavailableError("no such host"));
  }});
  EXPECT_TRUE(
      IsFailure(client.Post("http://api.example.test/", "x"), Kind::kResolve, Body::kNotRequested));
  EXPECT_TRUE(
      IsFailure(client.Get("http://api.example.test/"), Kind::kResolve, Body::kNotRequested));
}

// A lookup that the test lets go on at its end.
class HangingLookUp {
 public:
  ~HangingLookUp() { gate_->set_value(); }
  HostResolver::LookUp Function() const {
    return [gate = gate_](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
      gate->get_future().wait();
      return absl::UnavailableError("too late");
    };
  }

 private:
  const std::shared_ptr<std::promise<void>> gate_ = std::make_shared<std::promise<void>>();
};

TEST(LookUpTest, OneThatHangsEndsAtTheDeadlineAtTheConnectTimeoutOrWhenStopped) {
  const HangingLookUp look_up;
  HttpTestClient patient({.connect_timeout = kLongEnough, .look_up = look_up.Function()});
  const std::string url = "http://api.example.test/";
  EXPECT_TRUE(IsFailure(patient.Send(PostTo(patient, url), In(Milliseconds(50))), Kind::kTimeout,
                        Body::kNotRequested));
  std::stop_source stop;
  auto running = patient.Start(PostTo(patient, url), In(kLongEnough), stop.get_token());
  patient.loop().RunAndWait([&stop] { stop.request_stop(); });
  EXPECT_TRUE(IsFailure(running.Wait("the stop"), Kind::kStopped, Body::kNotRequested));
}

TEST(LookUpTest, OneThatHangsEndsAtTheConnectTimeout) {
  const HangingLookUp look_up;
  HttpTestClient client({.connect_timeout = Milliseconds(50), .look_up = look_up.Function()});
  EXPECT_TRUE(
      IsFailure(client.Post("http://api.example.test/", "x"), Kind::kResolve, Body::kNotRequested));
}

}  // namespace
}  // namespace gateway
