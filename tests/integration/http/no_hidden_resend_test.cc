// A POST leaves the gateway at most once, whatever becomes of its connection. Counted at the
// server.
#include <curl/curl.h>
#include <gtest/gtest.h>

#include <latch>
#include <string>
#include <vector>

#include "tests/integration/http/http_test_client.h"
#include "tests/support/h2_server.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

constexpr char kWarmUp[] = "warm-up";
constexpr char kBody[] = "{\"product\":{\"alias\":\"a\"}}";
constexpr char kCutAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"answer\":";

enum class Fault { kCloses, kResets, kCutsBody };
enum class Connection { kFresh, kReused };
// Connections that earlier requests have left open.
enum class Pool { kEmpty = 0, kOne = 1, kTwo = 2 };
enum class Transport { kPlain, kTls };

struct Http1Case {
  std::string name;
  Fault fault;
  Pool pool;
  Transport transport;
  // An empty body too: then the headers are the whole request.
  std::string body = kBody;
};

void PrintTo(const Http1Case& test_case, std::ostream* out) { *out << test_case.name; }

class Http1ReplayTest : public testing::TestWithParam<Http1Case> {};

// Answers the warm-ups once all are there, so that each has a connection of its own, and does the
// fault to every other request, on whatever connection it comes.
RawHttpServer::Script FaultScript(Fault fault, std::latch& warm_ups) {
  return [fault, &warm_ups](RawConnection& connection) {
    while (const auto request = connection.ReadRequest()) {
      if (request->body == kWarmUp) {
        warm_ups.arrive_and_wait();
        connection.Answer(200, "ok");
        continue;
      }
      if (fault == Fault::kResets) connection.Reset();
      if (fault == Fault::kCutsBody) connection.Write(kCutAnswer);
      return;
    }
  };
}

TEST_P(Http1ReplayTest, OneWholePostArrivesAndTheResultSaysThatItLeft) {
  const Http1Case& test_case = GetParam();
  const TestAuthority authority;
  const TemporaryFile ca_file(authority.certificate_pem());
  const int pooled = static_cast<int>(test_case.pool);
  std::latch warm_ups(pooled);
  RawHttpServer server(FaultScript(test_case.fault, warm_ups),
                       test_case.transport == Transport::kTls
                           ? std::optional(authority.Issue({"127.0.0.1"}))
                           : std::nullopt);
  HttpTestClient client({.ca_file = ca_file.path()});
  std::vector<RunningTask<HttpResult>> warming_up;
  for (int i = 0; i < pooled; ++i) {
    warming_up.push_back(client.Start({.method = HttpMethod::kPost,
                                       .url = server.Url(),
                                       .headers = client.headers(),
                                       .body = kWarmUp}));
  }
  for (auto& task : warming_up) ASSERT_TRUE(IsAnswer(task.Wait("a warm-up"), 200, "ok"));

  const HttpResult result = client.Post(server.Url(), test_case.body);

  EXPECT_TRUE(IsFailure(result, HttpFailure::Kind::kConnectionLost, Body::kRequested));
  EXPECT_EQ(server.Posts(test_case.body), 1);
  EXPECT_EQ(server.requests().size(), static_cast<size_t>(pooled) + 1);
}

std::vector<Http1Case> Http1Cases() {
  std::vector<Http1Case> cases;
  const std::pair<Fault, std::string> faults[] = {
      {Fault::kCloses, "Closes"}, {Fault::kResets, "Resets"}, {Fault::kCutsBody, "CutsBody"}};
  for (const auto& [fault, fault_name] : faults) {
    for (const auto& [pool, pool_name] :
         {std::pair(Pool::kEmpty, "Fresh"), std::pair(Pool::kOne, "Reused"),
          std::pair(Pool::kTwo, "ReusedBesideAnother")}) {
      for (const auto& [transport, transport_name] :
           {std::pair(Transport::kPlain, "Plain"), std::pair(Transport::kTls, "Tls")}) {
        const std::string name = fault_name + pool_name + transport_name;
        cases.push_back({name, fault, pool, transport});
        cases.push_back({name + "EmptyBody", fault, pool, transport, ""});
      }
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Faults, Http1ReplayTest, testing::ValuesIn(Http1Cases()),
                         [](const auto& info) { return info.param.name; });

struct Http2Case {
  std::string name;
  H2Reaction fault;
  Connection connection;
  std::string body = kBody;
};

void PrintTo(const Http2Case& test_case, std::ostream* out) { *out << test_case.name; }

class Http2ReplayTest : public testing::TestWithParam<Http2Case> {};

TEST_P(Http2ReplayTest, OneWholePostArrivesAndTheResultSaysThatItLeft) {
  const Http2Case& test_case = GetParam();
  const TestAuthority authority;
  const TemporaryFile ca_file(authority.certificate_pem());
  H2Server server(
      [&test_case](const H2Request& request) {
        return request.body == kWarmUp ? H2Reaction::kAnswer : test_case.fault;
      },
      authority.Issue({"127.0.0.1"}));
  HttpTestClient client({.http2 = true, .ca_file = ca_file.path()});
  if (test_case.connection == Connection::kReused) {
    ASSERT_TRUE(
        IsAnswer(client.Post(server.Url(), kWarmUp), 200, std::string(H2Server::kAnswerBody)));
  }

  const HttpResult result = client.Post(server.Url(), test_case.body);

  EXPECT_NE(FailureOf(result), nullptr) << Describe(result);
  EXPECT_TRUE(result.may_have_sent_body) << Describe(result);
  EXPECT_EQ(server.Posts(test_case.body), 1);
}

std::vector<Http2Case> Http2Cases() {
  const std::pair<H2Reaction, std::string> faults[] = {
      {H2Reaction::kClose, "Closes"},
      {H2Reaction::kReset, "Resets"},
      {H2Reaction::kCutBody, "CutsBody"},
      {H2Reaction::kGoAway, "GoesAway"},
      {H2Reaction::kRefuseStream, "RefusesStream"},
      {H2Reaction::kResetStream, "ResetsStream"},
  };
  std::vector<Http2Case> cases;
  for (const auto& [fault, name] : faults) {
    cases.push_back({name + "Fresh", fault, Connection::kFresh});
    cases.push_back({name + "Reused", fault, Connection::kReused});
    cases.push_back({name + "FreshEmptyBody", fault, Connection::kFresh, ""});
    cases.push_back({name + "ReusedEmptyBody", fault, Connection::kReused, ""});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Faults, Http2ReplayTest, testing::ValuesIn(Http2Cases()),
                         [](const auto& info) { return info.param.name; });

// Why all this: libcurl as most programs use it, with CURLOPT_POSTFIELDS. A reused connection that
// dies before a byte of the response counts as stale for libcurl, which sends the POST again,
// although the server may have read and carried it out.
TEST(PlainLibcurlTest, SendsAPostTwiceWhenAReusedConnectionDies) {
  RawHttpServer server([](RawConnection& connection) {
    for (int request = 1; connection.ReadRequest(); ++request) {
      if (request == 2) return;
      connection.Answer(200, "ok");
    }
  });
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  const std::string url = server.Url();
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(
      easy.get(), CURLOPT_WRITEFUNCTION,
      +[](char*, size_t size, size_t count, void*) { return size * count; });
  curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, kWarmUp);
  ASSERT_EQ(curl_easy_perform(easy.get()), CURLE_OK);

  curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, kBody);
  EXPECT_EQ(curl_easy_perform(easy.get()), CURLE_OK);

  EXPECT_EQ(server.Posts(kBody), 2);
}

}  // namespace
}  // namespace gateway
