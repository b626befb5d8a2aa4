// What a server may send beside the body of its response: no end of it is waited for.

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "service/base/event_loop.h"
#include "tests/integration/http/http_test_client.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

using Kind = HttpFailure::Kind;

constexpr size_t kMaxBody = 64 * 1024;
constexpr size_t kMiB = size_t{1024} * 1024;

struct Endless {
  std::string name;
  std::string start;
  std::string unit;
  bool has_tls = false;

  friend void PrintTo(const Endless& shown, std::ostream* out) { *out << shown.name; }
};

class EndlessResponseTest : public ::testing::TestWithParam<Endless> {};

TEST_P(EndlessResponseTest, IsTooLargeAfterAFewBytes) {
  // So large that what waits in the sockets of both sides, up to 24 MiB, does not hide a wrong one.
  constexpr size_t kLargeBody = 4 * kMiB;
  constexpr size_t kMaxWritten = 4 * kLargeBody + kMiB + 24 * kMiB;
  constexpr size_t kPiece = 64 * 1024;
  std::string piece;
  while (piece.size() < kPiece) piece += GetParam().unit;
  std::atomic<size_t> written = 0;
  const TestAuthority authority;
  const TemporaryFile ca_file(authority.certificate_pem());
  RawHttpServer server(
      [&](RawConnection& connection) {
        if (!connection.ReadRequest() || !connection.Write(GetParam().start)) return;
        while (connection.Write(piece)) written += piece.size();
      },
      GetParam().has_tls ? std::optional(authority.Issue({"127.0.0.1"})) : std::nullopt);
  HttpTestClient client({.max_response_bytes = kLargeBody, .ca_file = ca_file.path()});
  EXPECT_TRUE(IsFailure(client.Post(server.Url(), "x"), Kind::kTooLarge, Body::kRequested));
  EXPECT_LT(written, kMaxWritten);
  EXPECT_EQ(server.Posts("x"), 1);
}

constexpr char kChunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::vector<Endless> AllOfThem() {
  const std::string many(1000, 'x');
  std::vector<Endless> all = {
      {"ChunkExtension", std::string(kChunked) + "1;", many},
      {"ChunkExtensions", kChunked, "1;" + many + "\r\na\r\n"},
      {"Trailers", std::string(kChunked) + "0\r\n", "x: " + many + "\r\n"},
      {"InterimResponses", "", "HTTP/1.1 100 Continue\r\n\r\n"},
      {"Headers", "HTTP/1.1 200 OK\r\n", "x: " + many + "\r\n"},
      {"Body", "HTTP/1.1 200 OK\r\n\r\n", many},
  };
  for (size_t i = 0, plain = all.size(); i < plain; ++i) {
    all.push_back(all[i]);
    all.back().name += "UnderTls";
    all.back().has_tls = true;
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, EndlessResponseTest, ::testing::ValuesIn(AllOfThem()),
                         [](const auto& tested) { return tested.param.name; });

// libcurl goes on with all that send without end whenever it is called.
TEST(WireBytesTest, OfManyThatSendWithoutEndAreReadAFewInATurn) {
  constexpr int kPeers = 16;
  constexpr size_t kMaxInTurn = 512 * 1024;
  const std::string piece = "1;" + std::string(64 * 1024, 'x') + "\r\n \r\n";
  RawHttpServer server([&](RawConnection& connection) {
    if (!connection.ReadRequest() || !connection.Write(kChunked)) return;
    while (connection.Write(piece)) {
    }
  });
  HttpTestClient client({.max_response_bytes = kMiB});
  int turns = 0;
  std::optional<EndOfTurnCallback> turn_end;
  client.loop().RunAndWait([&] {
    turn_end.emplace(client.loop(), [&] {
      ++turns;
      turn_end->Request();
    });
    turn_end->Request();
  });
  std::vector<RunningTask<HttpResult>> sent;
  for (int i = 0; i < kPeers; ++i) {
    sent.push_back(client.Start(
        {.method = HttpMethod::kGet, .url = server.Url(), .headers = client.headers()}));
  }
  for (auto& request : sent) {
    EXPECT_TRUE(IsFailure(request.Wait("too much"), Kind::kTooLarge, Body::kRequested));
  }
  client.loop().RunAndWait([&] { turn_end.reset(); });
  EXPECT_GT(turns * kMaxInTurn, kPeers * 4 * kMiB);
}

TEST(WireBytesTest, CountForOneResponseNotForItsConnection) {
  constexpr int kRequests = 60;  // of 50 KiB each: more together than one of them may take
  RawHttpServer server(AnswerAll(std::string(50 * 1024, 'a')));
  HttpTestClient client({.max_response_bytes = kMaxBody});
  for (int i = 0; i < kRequests; ++i) {
    ASSERT_NE(ResponseOf(client.Post(server.Url(), "x")), nullptr);
  }
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace gateway
