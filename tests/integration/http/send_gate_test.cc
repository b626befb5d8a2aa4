// Not a byte of a POST's body leaves once the right to send it has ended. Seen at the server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <vector>

#include "tests/integration/http/http_test_client.h"
#include "tests/support/h2_server.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Field;

using std::chrono::operator""s;
using std::chrono::operator""ns;

constexpr char kWarmUp[] = "warm-up";
constexpr char kBody[] = "{\"product\":{\"alias\":\"a\"}}";
// Longer than what goes out with the headers over HTTP/1.1, and with them no longer than libcurl's
// buffer.
constexpr size_t kAskedForOverHttp1Too = 12 * 1024;
constexpr BootTime kGateCloses{1'000'000'000ns};

// Counts how often it is asked: as often as libcurl asks for a piece of a body.
class GateClock {
 public:
  explicit GateClock(BootTime now) : now_(now) {}

  std::function<BootTime()> Now() {
    return [this] {
      ++asked_;
      return now_;
    };
  }
  int asked() const { return asked_; }

 private:
  const BootTime now_;
  std::atomic<int> asked_ = 0;
};

GateClock InTime() { return GateClock({kGateCloses.since_boot - 1ns}); }
GateClock TooLate() { return GateClock(kGateCloses); }

enum class Transport { kHttp1, kHttp1Tls, kHttp2 };
enum class Connection { kFresh, kReused };

struct Case {
  std::string name;
  Transport transport;
  Connection connection;
};

void PrintTo(const Case& test_case, std::ostream* out) { *out << test_case.name; }

// What came of a request that was broken off: its head, and so much of its body.
struct Seen {
  std::string method;
  std::string body;
};

// A server that answers every whole request with 200, over any of the transports.
class AnsweringServer {
 public:
  explicit AnsweringServer(Transport transport) {
    if (transport == Transport::kHttp2) {
      h2_.emplace([](const H2Request&) { return H2Reaction::kAnswer; },
                  authority_.Issue({"127.0.0.1"}));
      return;
    }
    http1_.emplace(AnswerAll(std::string(H2Server::kAnswerBody)),
                   transport == Transport::kHttp1Tls
                       ? std::optional(authority_.Issue({"127.0.0.1"}))
                       : std::nullopt);
  }

  std::string Url() const { return h2_ ? h2_->Url() : http1_->Url(); }
  const std::string& ca_file() const { return ca_file_.path(); }
  int Posts(std::string_view body) const { return h2_ ? h2_->Posts(body) : http1_->Posts(body); }
  // To be asked once the client is gone, and its one connection with it.
  std::vector<Seen> BrokenRequests() {
    return h2_ ? ToSeen(h2_->BrokenRequestsOf(1)) : ToSeen(http1_->BrokenRequestsOf(1));
  }

 private:
  template <typename Request>
  static std::vector<Seen> ToSeen(const std::vector<Request>& requests) {
    std::vector<Seen> seen;
    for (const Request& request : requests) seen.push_back({request.method, request.body});
    return seen;
  }

  const TestAuthority authority_;
  const TemporaryFile ca_file_{authority_.certificate_pem()};
  std::optional<RawHttpServer> http1_;
  std::optional<H2Server> h2_;
};

class SendGateTest : public testing::TestWithParam<Case> {
 protected:
  // Sends `body` with a gate that closes at kGateCloses by `clock`.
  HttpResult Post(GateClock& clock, std::string body) {
    HttpTestClient client({.http2 = GetParam().transport == Transport::kHttp2,
                           .ca_file = server_.ca_file(),
                           .boot_now = clock.Now()});
    if (GetParam().connection == Connection::kReused) {
      const HttpResult warm_up = client.Post(server_.Url(), kWarmUp);
      EXPECT_TRUE(IsAnswer(warm_up, 200, std::string(H2Server::kAnswerBody)));
    }
    return client.Send({.method = HttpMethod::kPost,
                        .url = server_.Url(),
                        .headers = client.headers(),
                        .body = std::move(body),
                        .send_before = kGateCloses});
  }

  AnsweringServer server_{GetParam().transport};
};

TEST_P(SendGateTest, LetsTheBodyOutInTime) {
  GateClock clock = InTime();
  EXPECT_TRUE(IsAnswer(Post(clock, kBody), 200, std::string(H2Server::kAnswerBody)));
  EXPECT_EQ(server_.Posts(kBody), 1);
}

// Whether the headers have left by then is libcurl's affair: those of 7.x have, those of 8.7 and
// later wait for the first piece of the body.
TEST_P(SendGateTest, KeepsEveryByteOfTheBodyBackFromTheVeryMomentOn) {
  const std::string body(kAskedForOverHttp1Too, 'x');
  GateClock clock = TooLate();
  EXPECT_TRUE(
      IsFailure(Post(clock, body), HttpFailure::Kind::kSendGateClosed, Body::kNotRequested));
  EXPECT_THAT(server_.BrokenRequests(),
              Each(AllOf(Field(&Seen::method, "POST"), Field(&Seen::body, ""))));
  EXPECT_EQ(server_.Posts(body), 0);
}

// libcurl gives what it was handed to the socket, or the stream, before it asks again. A body that
// it asks for once is past the gate as a whole or not at all.
TEST_P(SendGateTest, IsPassedOnceByABodyThatFitsLibcurlsBuffer) {
  const std::string body(kAskedForOverHttp1Too, 'x');
  GateClock clock = InTime();
  EXPECT_TRUE(IsAnswer(Post(clock, body), 200, std::string(H2Server::kAnswerBody)));
  EXPECT_EQ(clock.asked(), 1);
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const auto& [transport, name] :
       {std::pair(Transport::kHttp1, "Http1"), std::pair(Transport::kHttp1Tls, "Http1Tls"),
        std::pair(Transport::kHttp2, "Http2")}) {
    cases.push_back({std::string(name) + "Fresh", transport, Connection::kFresh});
    cases.push_back({std::string(name) + "Reused", transport, Connection::kReused});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Transports, SendGateTest, testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

// Over HTTP/1.1 such a body is one with its headers, and there are no headers to be seen either.
class SendGateOfAShortBodyTest : public testing::TestWithParam<std::string> {};

TEST_P(SendGateOfAShortBodyTest, KeepsTheWholeRequestBack) {
  std::promise<bool> request_came;
  RawHttpServer server([&request_came](RawConnection& connection) {
    request_came.set_value(connection.ReadRequest().has_value());
  });
  GateClock clock = TooLate();
  {
    HttpTestClient client({.boot_now = clock.Now()});
    const HttpResult result = client.Send({.method = HttpMethod::kPost,
                                           .url = server.Url(),
                                           .headers = client.headers(),
                                           .body = GetParam(),
                                           .send_before = kGateCloses});
    EXPECT_TRUE(IsFailure(result, HttpFailure::Kind::kSendGateClosed, Body::kNotRequested));
  }
  EXPECT_FALSE(request_came.get_future().get());
  EXPECT_TRUE(server.broken_requests().empty());
}

INSTANTIATE_TEST_SUITE_P(Bodies, SendGateOfAShortBodyTest, testing::Values("", kBody),
                         [](const auto& info) { return info.param.empty() ? "Empty" : "Usual"; });

TEST(SendGateOfALongBodyTest, CutsItSoThatTheServerCannotCarryItOut) {
  RawHttpServer server(AnswerAll("ok"));
  int asked = 0;
  HttpTestClient client({.boot_now = [&asked] { return ++asked == 1 ? BootTime() : kGateCloses; }});
  const std::string body(100'000, 'x');
  const HttpResult result = client.Send({.method = HttpMethod::kPost,
                                         .url = server.Url(),
                                         .headers = client.headers(),
                                         .body = body,
                                         .send_before = kGateCloses});
  EXPECT_TRUE(IsFailure(result, HttpFailure::Kind::kSendGateClosed, Body::kRequested));
  EXPECT_EQ(server.WaitForBrokenRequest().method, "POST");
  EXPECT_EQ(server.Posts(body), 0);
}

// A handle that carried a request with a gate is used again for one without.
TEST(SendGateTestOfTheNextRequest, IsNotKeptBackByTheGateOfTheLastOne) {
  RawHttpServer server(AnswerAll("ok"));
  GateClock clock = TooLate();
  HttpTestClient client({.boot_now = clock.Now()});
  client.Send({.method = HttpMethod::kPost,
               .url = server.Url(),
               .headers = client.headers(),
               .body = kBody,
               .send_before = kGateCloses});
  EXPECT_TRUE(IsAnswer(client.Post(server.Url(), kBody), 200, "ok"));
}

// Past the gate, HTTP/2's flow control can hold the body back in libcurl. It does not leave after
// the attempt has ended either, although the connection goes on.
TEST(FlowControlTest, ABodyThatWaitsForTheServerIsGoneWithItsAttempt) {
  const TestAuthority authority;
  const TemporaryFile ca_file(authority.certificate_pem());
  H2Server server([](const H2Request&) { return H2Reaction::kAnswer; },
                  authority.Issue({"127.0.0.1"}), H2Server::FirstWindow::kNothing);
  HttpTestClient client({.http2 = true, .ca_file = ca_file.path()});
  // The connection has learned of the server's window before a body is due.
  ASSERT_TRUE(IsAnswer(client.Get(server.Url()), 200, std::string(H2Server::kAnswerBody)));

  const HttpResult result = client.Send({.method = HttpMethod::kPost,
                                         .url = server.Url(),
                                         .headers = client.headers(),
                                         .body = kBody},
                                        In(1s));
  EXPECT_TRUE(IsFailure(result, HttpFailure::Kind::kTimeout, Body::kRequested));

  const std::string answer(H2Server::kAnswerBody);
  EXPECT_TRUE(IsAnswer(client.Post(server.Url(), kWarmUp), 200, answer));
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(server.WaitForBrokenRequest().body, "");
  EXPECT_EQ(server.Posts(kBody), 0);
  EXPECT_EQ(server.Posts(kWarmUp), 1);
}

}  // namespace
}  // namespace gateway
