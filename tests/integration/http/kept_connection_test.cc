// A connection that is kept for the next request is clean or it is not used. What came on it since
// the last response is never paired with a request, and costs nobody an outcome.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/integration/http/http_test_client.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temporary_file.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

constexpr char kFirst[] = "first";
constexpr char kSecond[] = "second";
constexpr char kHost[] = "api.example.test";

enum class Way { kPlain, kTls12, kTls13, kTunnel, kTlsTunnel, kTlsProxy };

// A server and how a client gets to it. Behind a proxy the server plays that as well.
class WayToServer {
 public:
  WayToServer(Way way, RawHttpServer::Script script)
      : way_(way),
        ca_file_(authority_.certificate_pem()),
        server_(WithProxy(std::move(script)), Identity(),
                way == Way::kTunnel ? ConnectionServer::TlsStart::kByServe
                                    : ConnectionServer::TlsStart::kAtOnce) {}

  RawHttpServer& server() { return server_; }
  std::string url() const {
    if (HasTunnel()) return absl::StrCat("https://", kHost, "/");
    return way_ == Way::kTlsProxy ? absl::StrCat("http://", kHost, "/") : server_.Url() + "/";
  }
  CurlHttpClient::Options client_options() const {
    // However busy the machine is.
    return {.connect_timeout = kLongEnough,
            .ca_file = ca_file_.path(),
            .proxy = HasTunnel() || way_ == Way::kTlsProxy ? server_.Url() : ""};
  }

 private:
  bool HasTunnel() const { return way_ == Way::kTunnel || way_ == Way::kTlsTunnel; }

  std::optional<TlsIdentity> Identity() const {
    if (way_ == Way::kPlain) return std::nullopt;
    TlsIdentity identity = authority_.Issue({"127.0.0.1", kHost});
    if (way_ == Way::kTls12) identity.newest_tls_version = TLS1_2_VERSION;
    return identity;
  }

  RawHttpServer::Script WithProxy(RawHttpServer::Script script) const {
    if (!HasTunnel()) return script;
    return [script = std::move(script)](RawConnection& connection) {
      if (!connection.ReadRequest()) return;
      connection.Write("HTTP/1.1 200 Connected\r\n\r\n");
      if (connection.StartTls()) script(connection);
    };
  }

  const Way way_;
  const TestAuthority authority_;
  const TemporaryFile ca_file_;
  RawHttpServer server_;
};

std::string ResponseText(int status, std::string_view body) {
  return absl::StrCat("HTTP/1.1 ", status, " Scripted\r\nContent-Length: ", body.size(), "\r\n\r\n",
                      std::string(body));
}

RunningTask<HttpResult> SendAfter(HttpTestClient& client, std::function<void()> first,
                                  HttpRequest request) {
  return StartTask(client.loop(), [&client, first = std::move(first), request] {
    first();
    return client.client().Send(request, In(kLongEnough), {});
  });
}

enum class Event { kSurplus, kHalfASurplus, kFin, kReset, kCloseNotify };
// When the next request comes: after the loop has had time to see the event, or in the same turn.
enum class Moment { kLater, kAtOnce };

struct Case {
  std::string name;
  Way way;
  Event event;
  Moment moment;
  HttpMethod method;

  friend void PrintTo(const Case& shown, std::ostream* out) { *out << shown.name; }
};

class KeptConnectionTest : public testing::TestWithParam<Case> {};

void Do(Event event, RawConnection& connection) {
  const std::string surplus = ResponseText(200, "surplus");
  switch (event) {
    case Event::kSurplus:
      connection.Write(surplus);
      break;
    case Event::kHalfASurplus:
      connection.Write(surplus.substr(0, surplus.size() / 2));
      break;
    case Event::kFin:
      connection.Close();
      break;
    case Event::kReset:
      connection.Reset();
      break;
    case Event::kCloseNotify:
      connection.EndTls();
      break;
  }
}

TEST_P(KeptConnectionTest, IsReplacedIfAnythingCameOnItAndNobodyNotices) {
  const Case& test_case = GetParam();
  std::binary_semaphore is_idle(0);
  std::binary_semaphore has_happened(0);
  WayToServer way(test_case.way, [&](RawConnection& connection) {
    const bool is_first = connection.number() == 1;
    while (const auto request = connection.ReadRequest()) {
      connection.Answer(200, absl::StrCat("response to ", request->body));
      if (!is_first) continue;
      is_idle.acquire();
      Do(test_case.event, connection);
      has_happened.release();
    }
  });
  HttpTestClient client(way.client_options());
  ASSERT_TRUE(IsAnswer(client.Post(way.url(), kFirst), 200, "response to first"));

  const auto let_it_happen = [&] {
    is_idle.release();
    has_happened.acquire();
  };
  if (test_case.moment == Moment::kLater) let_it_happen();
  const std::string body = test_case.method == HttpMethod::kPost ? kSecond : "";
  const HttpResult result =
      SendAfter(
          client,
          [&] {
            if (test_case.moment == Moment::kAtOnce) let_it_happen();
          },
          {.method = test_case.method, .url = way.url(), .headers = client.headers(), .body = body})
          .Wait("the second request");

  EXPECT_TRUE(IsAnswer(result, 200, "response to " + body));
  EXPECT_EQ(way.server().Posts(kFirst), 1);
  EXPECT_LE(way.server().Posts(kSecond), 1);
  EXPECT_EQ(way.server().connections(), 2);
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const auto& [way, way_name] :
       {std::pair(Way::kPlain, "Plain"), std::pair(Way::kTls12, "Tls12"),
        std::pair(Way::kTls13, "Tls13"), std::pair(Way::kTunnel, "Tunnel"),
        std::pair(Way::kTlsTunnel, "TlsTunnel"), std::pair(Way::kTlsProxy, "TlsProxy")}) {
    for (const auto& [event, event_name] :
         {std::pair(Event::kSurplus, "Surplus"), std::pair(Event::kHalfASurplus, "HalfASurplus"),
          std::pair(Event::kFin, "Fin"), std::pair(Event::kReset, "Reset"),
          std::pair(Event::kCloseNotify, "CloseNotify")}) {
      if (way == Way::kPlain && event == Event::kCloseNotify) continue;
      for (const auto& [moment, moment_name] :
           {std::pair(Moment::kLater, "Later"), std::pair(Moment::kAtOnce, "AtOnce")}) {
        const std::string name = absl::StrCat(way_name, event_name, moment_name);
        cases.push_back({name + "Post", way, event, moment, HttpMethod::kPost});
        cases.push_back({name + "Get", way, event, moment, HttpMethod::kGet});
      }
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Events, KeptConnectionTest, testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

// A surplus response that came together with the due one waits in no socket: libcurl has read it,
// or OpenSSL has read its record. A long response leaves libcurl's own buffer.
class HiddenSurplusTest : public testing::TestWithParam<Way> {};

TEST_P(HiddenSurplusTest, IsFoundBeforeTheNextRequestLeaves) {
  std::counting_semaphore<> written(0);
  WayToServer way(GetParam(), [&written](RawConnection& connection) {
    while (const auto request = connection.ReadRequest()) {
      const std::string due = ResponseText(200, "response to " + request->body);
      const std::string surplus = ResponseText(404, "surplus");
      if (request->body.starts_with("together")) {
        connection.Write(due + surplus);
      } else {
        connection.WriteLater(due);
        connection.Write(surplus);
      }
      written.release();
    }
  });
  HttpTestClient client(way.client_options());
  for (const size_t size : {0, 900, 2000, 5000}) {
    for (const std::string kind : {"together", "apart"}) {
      const std::string body = kind + std::string(size, '.');
      EXPECT_TRUE(IsAnswer(client.Post(way.url(), body), 200, "response to " + body));
      written.acquire();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, HiddenSurplusTest,
                         testing::Values(Way::kPlain, Way::kTls12, Way::kTls13, Way::kTunnel,
                                         Way::kTlsTunnel, Way::kTlsProxy),
                         [](const auto& info) { return absl::StrCat("Way", info.index); });

// What one of many requests gets: its response, whose body has `size` bytes or more, and a surplus.
struct SurplusPlan {
  enum When { kTogether, kAtOnce, kIdle };

  int number = 0;
  int when = kTogether;
  int kind = 0;
  size_t size = 0;

  std::string Text() const { return absl::StrCat(number, ",", when, ",", kind, ",", size); }
  static SurplusPlan From(const std::string& text) {
    const std::vector<std::string> parts = absl::StrSplit(text, ',');
    return {.number = std::stoi(parts.at(0)),
            .when = std::stoi(parts.at(1)),
            .kind = std::stoi(parts.at(2)),
            .size = std::stoul(parts.at(3))};
  }
  std::string Body() const { return absl::StrCat("response ", number, std::string(size, '.')); }
};

std::string SurplusText(int kind) {
  const std::string texts[] = {
      ResponseText(200, R"({"id": "of another caller"})"),
      ResponseText(200, "[]"),
      ResponseText(204, ""),
      ResponseText(400, R"({"errors": [{"code": 201}]})"),
      ResponseText(404, "nothing was executed"),
      ResponseText(408, "the request was late"),
      "HTTP/1.1 429 Too Many\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
      ResponseText(500, std::string(3000, 'x')),
  };
  return texts[static_cast<size_t>(kind) % std::size(texts)];
}

TEST(SurplusResponseTest, NoneOfAThousandIsTakenForTheResponseToAnotherRequest) {
  constexpr int kRequests = kHasSanitizer ? 100 : 1000;
  std::counting_semaphore<> is_idle(0);
  std::counting_semaphore<> written(0);
  const auto script = [&](RawConnection& connection) {
    while (const auto request = connection.ReadRequest()) {
      const SurplusPlan plan =
          SurplusPlan::From(request->method == "POST" ? request->body : request->Header("x-plan"));
      const std::string due = ResponseText(200, plan.Body());
      const std::string surplus = SurplusText(plan.kind);
      if (plan.when == SurplusPlan::kTogether) {
        connection.Write(due + surplus);
      } else {
        connection.Write(due);
        if (plan.when == SurplusPlan::kIdle) is_idle.acquire();
        connection.Write(surplus);
      }
      written.release();
    }
  };
  struct Path {
    explicit Path(Way kind, const RawHttpServer::Script& script)
        : way(kind, script), client(way.client_options()) {}
    WayToServer way;
    HttpTestClient client;
  };
  Path plain(Way::kPlain, script);
  Path tls12(Way::kTls12, script);
  Path tls13(Way::kTls13, script);
  // Handshakes take time, so most requests are plain.
  Path* const paths[] = {&plain, &plain, &plain, &plain, &plain,
                         &plain, &plain, &plain, &tls12, &tls13};
  std::mt19937 random(20261126);  // NOLINT(*-msc51-cpp,*-msc32-c): the same in every run
  for (int i = 0; i < kRequests; ++i) {
    Path& path = *paths[random() % std::size(paths)];
    const SurplusPlan plan{.number = i,
                           .when = static_cast<int>(random() % 3),
                           .kind = static_cast<int>(random() % 100),
                           .size = std::array<size_t, 4>{0, 10, 900, 3000}[random() % 4]};
    const bool is_post = random() % 4 != 0;
    HttpHeaders headers = *path.client.headers();
    if (!is_post) headers.emplace_back("X-Plan", plan.Text());
    const HttpResult result =
        path.client.Send({.method = is_post ? HttpMethod::kPost : HttpMethod::kGet,
                          .url = path.way.url(),
                          .headers = std::make_shared<HttpHeaders>(std::move(headers)),
                          .body = is_post ? plan.Text() : ""});
    ASSERT_TRUE(IsAnswer(result, 200, plan.Body())) << plan.Text();
    if (plan.when == SurplusPlan::kIdle) is_idle.release();
    written.acquire();
  }
  size_t requests = 0;
  for (Path* const path : {&plain, &tls12, &tls13}) {
    requests += path->way.server().requests().size();
  }
  EXPECT_EQ(requests, static_cast<size_t>(kRequests)) << "one was sent twice";
}

// They come when they like, and cost a handshake each at most.
TEST(SessionTicketTest, ALateOneCostsNoRequest) {
  constexpr int kRequests = 5;
  std::counting_semaphore<> sent(0);
  WayToServer way(Way::kTls13, [&sent](RawConnection& connection) {
    while (connection.ReadRequest()) {
      connection.Answer(200, "ok");
      connection.SendSessionTicket();
      sent.release();
    }
  });
  HttpTestClient client(way.client_options());
  for (int i = 0; i < kRequests; ++i) {
    EXPECT_TRUE(IsAnswer(client.Post(way.url(), kSecond), 200, "ok"));
    sent.acquire();
  }
  EXPECT_EQ(way.server().Posts(kSecond), kRequests);
  EXPECT_LE(way.server().connections(), kRequests);
}

TEST(FreshConnectionTest, IsMadeForARequestThatNeedsOne) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client;
  ASSERT_TRUE(IsAnswer(client.Get(server.Url()), 200, "ok"));
  const HttpResult result = client.Send(
      {.url = server.Url(), .headers = client.headers(), .needs_fresh_connection = true});
  EXPECT_TRUE(IsAnswer(result, 200, "ok"));
  EXPECT_EQ(server.connections(), 2);
  ASSERT_TRUE(IsAnswer(client.Get(server.Url()), 200, "ok"));
  EXPECT_EQ(server.connections(), 2) << "the handle still asked for a fresh one";
}

// A kept connection may have died before the request came to it.
class LostOnReuseTest : public testing::Test {
 protected:
  // The result of a second request, which the server reads; then it writes `text` and hangs up.
  static HttpResult LoseAfter(std::string_view text, bool on_fresh_connection) {
    RawHttpServer server([text](RawConnection& connection) {
      while (const auto request = connection.ReadRequest()) {
        if (request->body == kFirst) {
          connection.Answer(200, "ok");
          continue;
        }
        connection.Write(text);
        return;
      }
    });
    HttpTestClient client;
    EXPECT_TRUE(IsAnswer(client.Post(server.Url(), kFirst), 200, "ok"));
    HttpResult result = client.Send({.method = HttpMethod::kPost,
                                     .url = server.Url(),
                                     .headers = client.headers(),
                                     .body = kSecond,
                                     .needs_fresh_connection = on_fresh_connection});
    EXPECT_TRUE(IsFailure(result, HttpFailure::Kind::kConnectionLost, Body::kRequested));
    return result;
  }
};

TEST_F(LostOnReuseTest, IsToldOfAKeptConnectionWithoutAByteOfTheResponse) {
  EXPECT_TRUE(LoseAfter("", false).lost_on_reuse);
}

TEST_F(LostOnReuseTest, IsNotToldOfAFreshConnection) {
  EXPECT_FALSE(LoseAfter("", true).lost_on_reuse);
}

TEST_F(LostOnReuseTest, IsNotToldOnceTheResponseHasBegun) {
  EXPECT_FALSE(LoseAfter("HTTP/1.1 200 OK\r\n", false).lost_on_reuse);
}

}  // namespace
}  // namespace gateway
