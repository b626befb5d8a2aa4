// Every form of a response, and what the server sees of a request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/integration/http/http_test_client.h"
#include "tests/support/h2_server.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_file.h"

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr char kPath[] = "/profiles/11111111-2222-4333-8444-555555555555/applications";

// Answers the first request of each connection with these bytes and hangs up.
RawHttpServer::Script AnswerOnceWith(std::string bytes) {
  return [bytes = std::move(bytes)](RawConnection& connection) {
    if (connection.ReadRequest()) connection.Write(bytes);
  };
}

TEST(HttpRequestTest, APostIsOnTheWireAsItWasGiven) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client({.user_agent = "passfort-gateway/test"});
  const HttpResult result = client.Post(server.Url() + kPath, "{\"a\":1}");

  EXPECT_TRUE(IsAnswer(result, 200, "ok"));
  EXPECT_TRUE(result.may_have_sent_body);
  ASSERT_EQ(server.requests().size(), 1u);
  const RawRequest request = server.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, kPath);
  EXPECT_EQ(request.body, "{\"a\":1}");
  EXPECT_THAT(
      request.headers,
      UnorderedElementsAre(Pair("host", "127.0.0.1:" + std::to_string(server.port())),
                           Pair("user-agent", "passfort-gateway/test"), Pair("accept", "*/*"),
                           Pair("content-length", "7"), Pair("content-type", "application/json"),
                           Pair("apikey", "test-key")));
}

TEST(HttpRequestTest, AGetHasNoBody) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client;
  const HttpResult result = client.Get(server.Url() + "/whoami?a=b%20c");

  EXPECT_TRUE(IsAnswer(result, 200, "ok"));
  EXPECT_TRUE(result.may_have_sent_body);
  const RawRequest request = server.requests()[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/whoami?a=b%20c");
  EXPECT_EQ(request.Header("content-length"), "");
}

TEST(HttpRequestTest, ThePathIsNotTidiedUp) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client;
  client.Get(server.Url() + "/a/../b/./c");
  EXPECT_EQ(server.requests()[0].target, "/a/../b/./c");
}

TEST(HttpRequestTest, AHandleThatCarriedAPostCarriesAGetAndAnotherPost) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client;
  client.Post(server.Url(), "first and long");
  client.Get(server.Url());
  client.Post(server.Url(), "");
  client.Post(server.Url(), "last");
  std::vector<std::pair<std::string, std::string>> seen;
  for (const RawRequest& request : server.requests()) {
    seen.emplace_back(request.method, request.body);
  }
  EXPECT_THAT(seen, ElementsAre(Pair("POST", "first and long"), Pair("GET", ""), Pair("POST", ""),
                                Pair("POST", "last")));
}

TEST(HttpRequestTest, ALargeBodyArrivesWhole) {
  const std::string body(3'000'000, 'x');
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client;
  EXPECT_TRUE(IsAnswer(client.Post(server.Url(), body), 200, "ok"));
  EXPECT_EQ(server.Posts(body), 1);
}

TEST(HttpRequestTest, NothingIsSentForAUrlOrAHeaderThatCannotBe) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client;
  EXPECT_TRUE(IsFailure(client.Post("ftp://127.0.0.1/", "x"), HttpFailure::Kind::kOther,
                        Body::kNotRequested));
  const auto split = std::make_shared<HttpHeaders>(HttpHeaders{{"apikey", "test-key\r\nX: y"}});
  EXPECT_TRUE(IsFailure(
      client.Send(
          {.method = HttpMethod::kPost, .url = server.Url(), .headers = split, .body = "x"}),
      HttpFailure::Kind::kOther, Body::kNotRequested));
  EXPECT_EQ(server.connections(), 0);
}

struct FramingCase {
  std::string name;
  std::string bytes;
  int status;
  std::string body;
};

void PrintTo(const FramingCase& test_case, std::ostream* out) { *out << test_case.name; }

class FramingTest : public testing::TestWithParam<FramingCase> {};

TEST_P(FramingTest, TheAnswerIsReadWhole) {
  RawHttpServer server(AnswerOnceWith(GetParam().bytes));
  HttpTestClient client({.kept_response_headers = {"X-Kept"}});
  const HttpResult result = client.Post(server.Url(), "x");
  ASSERT_TRUE(IsAnswer(result, GetParam().status, GetParam().body));
  EXPECT_THAT(ResponseOf(result)->headers, ElementsAre(Pair("x-kept", "final")));
}

INSTANTIATE_TEST_SUITE_P(
    Forms, FramingTest,
    testing::Values(
        FramingCase{"ContentLength",
                    "HTTP/1.1 200 OK\r\nX-Kept: final\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
        FramingCase{"Chunked",
                    "HTTP/1.1 201 Created\r\nx-kept: final\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "1\r\no\r\n1;ext=1\r\nk\r\n0\r\nX-Kept: trailer\r\n\r\n",
                    201, "ok"},
        FramingCase{"UntilClose", "HTTP/1.1 200 OK\r\nX-KEPT: final\r\n\r\nok", 200, "ok"},
        FramingCase{"Http10", "HTTP/1.0 200 OK\r\nX-Kept:final\r\n\r\nok", 200, "ok"},
        FramingCase{"NoContent", "HTTP/1.1 204 No Content\r\nX-Kept: final\r\n\r\n", 204, ""},
        FramingCase{"EmptyBody", "HTTP/1.1 200 OK\r\nX-Kept: final\r\nContent-Length: 0\r\n\r\n",
                    200, ""},
        FramingCase{"Interim",
                    "HTTP/1.1 100 Continue\r\nX-Kept: interim\r\n\r\n"
                    "HTTP/1.1 103 Early Hints\r\nX-Kept: interim\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nX-Kept: final\r\nContent-Length: 2\r\n\r\nok",
                    200, "ok"},
        FramingCase{"ServerError",
                    "HTTP/1.1 503 Busy\r\nX-Kept: final\r\nContent-Length: 4\r\n\r\nbusy", 503,
                    "busy"},
        FramingCase{"Unauthorized",
                    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nX-Kept: final\r\n"
                    "Content-Length: 2\r\n\r\nno",
                    401, "no"},
        FramingCase{"ExpectationFailed",
                    "HTTP/1.1 417 Expectation Failed\r\nX-Kept: final\r\nContent-Length: 2\r\n"
                    "\r\nno",
                    417, "no"}),
    [](const auto& info) { return info.param.name; });

// libcurl takes a response that is cut in its headers for a whole one without a body.
TEST(HttpResponseTest, AnAnswerCutAnywhereIsNoAnswer) {
  const std::string answers[] = {
      "HTTP/1.1 404 Not Found\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nwhole",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"};
  for (const std::string& answer : answers) {
    std::atomic<size_t> sent_bytes = 0;
    RawHttpServer server([&](RawConnection& connection) {
      if (connection.ReadRequest()) connection.Write(answer.substr(0, sent_bytes));
    });
    HttpTestClient client;
    // To the last byte but one: the end of a chunked answer is whole without its last line break.
    for (; sent_bytes < answer.size() - 1; ++sent_bytes) {
      const HttpResult result = client.Post(server.Url(), "x");
      EXPECT_NE(FailureOf(result), nullptr)
          << Describe(result) << " of the first " << sent_bytes << " bytes of\n"
          << answer;
      EXPECT_TRUE(result.may_have_sent_body);
    }
  }
}

TEST(HttpResponseTest, WhatIsNotHttpIsAProtocolFailure) {
  RawHttpServer server(AnswerOnceWith("SSH-2.0-OpenSSH_9.2\r\n"));
  HttpTestClient client;
  EXPECT_TRUE(
      IsFailure(client.Post(server.Url(), "x"), HttpFailure::Kind::kProtocol, Body::kRequested));
}

TEST(HttpResponseTest, ASlowBodyIsReadToItsEnd) {
  std::promise<void> rest;
  RawHttpServer server([&rest](RawConnection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl");
    rest.get_future().wait();
    connection.Write("ow");
  });
  HttpTestClient client;
  auto running = client.Start({.url = server.Url(), .headers = client.headers()});
  rest.set_value();
  EXPECT_TRUE(IsAnswer(running.Wait("a slow body"), 200, "slow"));
}

TEST(HttpResponseTest, ABodyOverTheLimitIsTooLargeAndOneOfTheLimitIsNot) {
  RawHttpServer server([](RawConnection& connection) {
    while (const auto request = connection.ReadRequest()) {
      connection.Answer(200, std::string(std::stoul(request->body), 'x'));
    }
  });
  HttpTestClient client({.max_response_bytes = 100'000});
  EXPECT_TRUE(IsAnswer(client.Post(server.Url(), "100000"), 200, std::string(100'000, 'x')));
  EXPECT_TRUE(IsFailure(client.Post(server.Url(), "100001"), HttpFailure::Kind::kTooLarge,
                        Body::kRequested));
}

TEST(HttpResponseTest, AnEndlessBodyIsTooLargeWhileItIsReceived) {
  RawHttpServer server([](RawConnection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write("HTTP/1.1 200 OK\r\n\r\n");
    const std::string piece(64 * 1024, 'x');
    while (connection.Write(piece)) {
    }
  });
  HttpTestClient client;
  EXPECT_TRUE(
      IsFailure(client.Post(server.Url(), "x"), HttpFailure::Kind::kTooLarge, Body::kRequested));
}

TEST(HttpResponseTest, EndlessHeadersAreTooLarge) {
  RawHttpServer server([](RawConnection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write("HTTP/1.1 200 OK\r\n");
    while (connection.Write("X-More: and more\r\n")) {
    }
  });
  HttpTestClient client;
  EXPECT_TRUE(
      IsFailure(client.Post(server.Url(), "x"), HttpFailure::Kind::kTooLarge, Body::kRequested));
}

TEST(HttpResponseTest, ARedirectIsAnAnswerAndNotFollowed) {
  RawHttpServer elsewhere(AnswerAll("elsewhere"));
  RawHttpServer server(AnswerOnceWith("HTTP/1.1 307 Temporary Redirect\r\nLocation: " +
                                      elsewhere.Url() + "/\r\nContent-Length: 0\r\n\r\n"));
  HttpTestClient client;
  EXPECT_TRUE(IsAnswer(client.Post(server.Url(), "x"), 307, ""));
  EXPECT_TRUE(IsAnswer(client.Get(server.Url()), 307, ""));
  EXPECT_EQ(elsewhere.connections(), 0);
}

TEST(HttpResponseTest, CookiesAreNotKept) {
  RawHttpServer server([](RawConnection& connection) {
    while (connection.ReadRequest()) {
      connection.Write("HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n");
    }
  });
  HttpTestClient client;
  client.Get(server.Url());
  client.Get(server.Url());
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_EQ(server.requests()[1].Header("cookie"), "");
}

TEST(ConnectionReuseTest, RequestsInARowShareOneConnection) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(IsAnswer(client.Post(server.Url(), "x"), 200, "ok"));
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(client.client().stats().connections_opened, 1u);
}

TEST(ConnectionReuseTest, AConnectionThatTheServerClosedIsReplacedBeforeAnythingIsSent) {
  std::promise<void> closed;
  RawHttpServer server([&closed](RawConnection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Answer(200, "ok");
    if (connection.number() > 1) return;
    connection.Close();
    closed.set_value();
  });
  HttpTestClient client(
      {.look_up = [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; }});
  const std::string url = server.Url("api.example.test");
  ASSERT_TRUE(IsAnswer(client.Post(url, "first"), 200, "ok"));
  closed.get_future().wait();
  // The second one carries no addresses: libcurl has to know them from the first.
  EXPECT_TRUE(IsAnswer(client.Post(url, "second"), 200, "ok"));
  EXPECT_EQ(server.connections(), 2);
}

TEST(ConnectionReuseTest, IdleConnectionsAreClosed) {
  std::promise<void> closed;
  RawHttpServer server([&closed](RawConnection& connection) {
    while (connection.ReadRequest()) connection.Answer(200, "ok");
    if (connection.number() == 1) closed.set_value();
  });
  HttpTestClient client({.idle_connection_timeout = Milliseconds(50)});
  ASSERT_TRUE(IsAnswer(client.Post(server.Url("localhost"), "first"), 200, "ok"));
  ASSERT_EQ(closed.get_future().wait_for(kLongEnough), std::future_status::ready)
      << "the idle connection stayed open";
  // Its multi handle is a new one, which does not know the host's addresses.
  EXPECT_TRUE(IsAnswer(client.Post(server.Url("localhost"), "second"), 200, "ok"));
  EXPECT_EQ(client.client().stats().lookups, 1u);
}

TEST(Http2Test, RequestsAtATimeShareOneConnection) {
  const TestAuthority authority;
  const TemporaryFile ca_file(authority.certificate_pem());
  H2Server server([](const H2Request&) { return H2Reaction::kAnswer; },
                  authority.Issue({"127.0.0.1"}));
  HttpTestClient client(
      {.http2 = true, .ca_file = ca_file.path(), .kept_response_headers = {"x-request-id"}});
  std::vector<RunningTask<HttpResult>> running;
  for (int i = 0; i < 50; ++i) {
    running.push_back(client.Start({.method = HttpMethod::kPost,
                                    .url = server.Url() + kPath,
                                    .headers = client.headers(),
                                    .body = "x"}));
  }
  for (auto& task : running) {
    const HttpResult result = task.Wait("an HTTP/2 request");
    ASSERT_TRUE(IsAnswer(result, 200, std::string(H2Server::kAnswerBody)));
    EXPECT_EQ(ResponseOf(result)->Header("x-request-id"), "r1");
  }
  EXPECT_EQ(server.Posts("x"), 50);
  EXPECT_EQ(server.connections(), 1);
}

// libcurl takes a status line for the protocol, and lets requests share a connection then. Over
// HTTP/1.1 nothing says which of them a response belongs to.
TEST(Http2Test, IsNotSpokenToAServerThatOnlyWritesItsName) {
  const TestAuthority authority;
  const TemporaryFile ca_file(authority.certificate_pem());
  std::promise<void> all_started;
  const std::shared_future<void> may_answer(all_started.get_future());
  RawHttpServer server(
      [&may_answer](RawConnection& connection) {
        while (const auto request = connection.ReadRequest()) {
          if (request->body != "first") may_answer.wait();
          connection.Write(absl::StrCat("HTTP/2 200\r\nContent-Length: ", request->body.size(),
                                        "\r\n\r\n", request->body));
        }
      },
      authority.Issue({"127.0.0.1"}));
  HttpTestClient client({.http2 = true, .ca_file = ca_file.path()});
  ASSERT_TRUE(IsAnswer(client.Post(server.Url(), "first"), 200, "first"));
  std::vector<RunningTask<HttpResult>> running;
  for (int i = 0; i < 10; ++i) {
    running.push_back(client.Start({.method = HttpMethod::kPost,
                                    .url = server.Url() + kPath,
                                    .headers = client.headers(),
                                    .body = absl::StrCat("body ", i)}));
  }
  all_started.set_value();
  for (size_t i = 0; i < running.size(); ++i) {
    EXPECT_TRUE(IsAnswer(running[i].Wait("a request"), 200, absl::StrCat("body ", i)));
  }
}

TEST(Http2Test, IsNotSpokenUnlessAskedFor) {
  const TestAuthority authority;
  const TemporaryFile ca_file(authority.certificate_pem());
  RawHttpServer server(AnswerAll("ok"), authority.Issue({"127.0.0.1"}));
  HttpTestClient client({.ca_file = ca_file.path()});
  EXPECT_TRUE(IsAnswer(client.Post(server.Url(), "x"), 200, "ok"));
}

}  // namespace
}  // namespace gateway
