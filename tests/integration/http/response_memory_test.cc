// What large responses may take of the memory, and who waits for whom because of it.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/http/http_test_client.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using Kind = HttpFailure::Kind;
using Use = ResponseMemory::Use;

constexpr size_t kMiB = size_t{1024} * 1024;
constexpr size_t kLarge = 300 * 1024;

HttpRequest APost(const HttpTestClient& client, std::string url) {
  return {.method = HttpMethod::kPost,
          .url = std::move(url),
          .headers = client.headers(),
          .body = "{}"};
}

HttpRequest AGet(const HttpTestClient& client, std::string url) {
  return {.url = std::move(url), .headers = client.headers()};
}

bool HasLine(HttpTestClient& client, const std::string& line) {
  return client.metrics().Text().find(line) != std::string::npos;
}

// A test that fails otherwise would wait for its time limit.
void WaitFor(HttpTestClient& client, const std::string& line) {
  const auto end = std::chrono::steady_clock::now() + kLongEnough;
  while (!HasLine(client, line) && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(HasLine(client, line)) << line << " is not in\n" << client.metrics().Text();
}

TEST(ResponseMemoryTest, NothingIsSentWithoutRoomAndTheWaitEndsWithTheTime) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client({}, kMiB);
  ResponseMemory::Share others(client.memory(), Use::kBody);
  others.Set(kMiB);
  const HttpResult refused = client.Send(APost(client, server.Url()), In(50ms));
  EXPECT_TRUE(IsFailure(refused, Kind::kNoMemory, Body::kNotRequested));
  EXPECT_EQ(server.connections(), 0);
  EXPECT_TRUE(HasLine(client, "passfort_gateway_response_refusals_total 1"));
  EXPECT_TRUE(HasLine(client, R"(passfort_gateway_response_waits_total{wait="send"} 1)"));
}

TEST(ResponseMemoryTest, NothingIsSentWithoutRoomAndTheWaitEndsWithTheRightToSend) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client({}, kMiB);
  ResponseMemory::Share others(client.memory(), Use::kBody);
  others.Set(kMiB);
  HttpRequest request = APost(client, server.Url());
  request.send_before = BootNow() + 50ms;
  EXPECT_TRUE(IsFailure(client.Send(request), Kind::kNoMemory, Body::kNotRequested));
  EXPECT_EQ(server.connections(), 0);
}

// What is made of one large response can take many turns of the loop.
TEST(ResponseMemoryTest, ALargeResponseIsHandedOnOnceTheOneBeforeIsRead) {
  RawHttpServer server(AnswerAll(std::string(kLarge, 'x')));
  HttpTestClient client;
  std::optional<ResponseMemory::Reading> reading;
  client.loop().RunAndWait([&] { reading.emplace(client.memory(), 0); });
  auto handed_on = StartTask(client.loop(), [&]() -> Task<bool> {
    const HttpRequest request{.url = server.Url(), .headers = client.headers()};
    const HttpResult result = co_await client.client().Send(request, In(kLongEnough), {});
    co_return ResponseOf(result) != nullptr && !client.memory().IsReading();
  });
  // Time for it to come whole, most likely.
  while (server.requests().empty()) std::this_thread::yield();
  for (int turn = 0; turn < 1000; ++turn) client.loop().RunAndWait([] {});
  client.loop().RunAndWait([&] { reading.reset(); });
  EXPECT_TRUE(handed_on.Wait("the response"));
}

TEST(ResponseMemoryTest, WhoWaitsToSendIsStoppedWithTheCaller) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client({}, kMiB);
  ResponseMemory::Share others(client.memory(), Use::kBody);
  others.Set(kMiB);
  std::stop_source stop;
  auto waiting = client.Start(APost(client, server.Url()), In(kLongEnough), stop.get_token());
  WaitFor(client, R"(passfort_gateway_response_waits_total{wait="send"} 1)");
  client.loop().RunAndWait([&] { stop.request_stop(); });
  EXPECT_TRUE(IsFailure(waiting.Wait("the stop"), Kind::kStopped, Body::kNotRequested));
  EXPECT_EQ(server.connections(), 0);
}

TEST(ResponseMemoryTest, WhoWaitsToSendGoesWhenThereIsRoomAgain) {
  RawHttpServer server(AnswerAll("ok"));
  HttpTestClient client({}, kMiB);
  std::optional<ResponseMemory::Share> others(std::in_place, client.memory(), Use::kResult);
  others->Set(kMiB);
  auto first = client.Start(APost(client, server.Url()));
  auto second = client.Start(APost(client, server.Url()));
  WaitFor(client, R"(passfort_gateway_response_waits_total{wait="send"} 2)");
  EXPECT_EQ(server.connections(), 0);
  others.reset();
  EXPECT_TRUE(IsAnswer(first.Wait("room"), 200, "ok"));
  EXPECT_TRUE(IsAnswer(second.Wait("room"), 200, "ok"));
}

TEST(ResponseMemoryTest, SmallResponsesAreReadWithoutRoom) {
  std::atomic<bool> is_full = false;
  RawHttpServer server([&](RawConnection& connection) {
    while (connection.ReadRequest()) {
      is_full.wait(false);
      connection.Answer(200, "ok");
    }
  });
  HttpTestClient client({}, kMiB);
  auto sent = client.Start(APost(client, server.Url()));
  while (server.requests().empty()) std::this_thread::yield();
  ResponseMemory::Share others(client.memory(), Use::kBody);
  others.Set(kMiB);
  is_full = true;
  is_full.notify_all();
  EXPECT_TRUE(IsAnswer(sent.Wait("a small response"), 200, "ok"));
}

// Everything that is sent is answered, however much comes at a time. Nothing is handed on before
// there is no room.
void AnswerMany(HttpTestClient& client, std::optional<TlsIdentity> identity, size_t body_bytes) {
  constexpr int kRequests = 24;
  std::atomic<int> arrived = 0;
  const std::string body(body_bytes, 'a');
  RawHttpServer server(
      [&](RawConnection& connection) {
        if (!connection.ReadRequest()) return;
        ++arrived;
        arrived.notify_all();
        for (int seen = arrived; seen < kRequests; seen = arrived) arrived.wait(seen);
        connection.Answer(200, body);
        connection.WaitUntilClosedByClient();
      },
      std::move(identity));
  std::optional<ResponseMemory::Reading> reading;
  client.loop().RunAndWait([&] { reading.emplace(client.memory(), 0); });
  std::vector<RunningTask<HttpResult>> sent;
  for (int i = 0; i < kRequests; ++i) {
    sent.push_back(client.Start(APost(client, server.Url("127.0.0.1"))));
  }
  WaitFor(client, R"(passfort_gateway_response_waits_total{wait="read"})");
  client.loop().RunAndWait([&] { reading.reset(); });
  for (auto& request : sent) {
    const HttpResult result = request.Wait("a large response");
    const auto* response = ResponseOf(result);
    ASSERT_NE(response, nullptr) << Describe(result);
    EXPECT_EQ(response->body.size(), body.size());
  }
  client.loop().RunAndWait([] {});  // the last one's memory is given back
}

TEST(ResponseMemoryTest, LargeResponsesAreReadOneByOneWithoutRoomAndNoneIsLost) {
  HttpTestClient client({}, kMiB);
  AnswerMany(client, std::nullopt, kLarge);
  EXPECT_TRUE(HasLine(client, "passfort_gateway_response_bytes 0"));
}

TEST(ResponseMemoryTest, WhatWaitsToBeReadLeavesRoomToSendForOthers) {
  RawHttpServer large(AnswerAll(std::string(kLarge, 'x')));
  RawHttpServer small(AnswerAll("ok"));
  HttpTestClient client({}, kMiB);
  // Nothing is handed on, so what has come stays.
  std::optional<ResponseMemory::Reading> reading;
  client.loop().RunAndWait([&] { reading.emplace(client.memory(), 0); });
  std::vector<RunningTask<HttpResult>> sent;
  for (int i = 0; i < 5; ++i) sent.push_back(client.Start(AGet(client, large.Url())));
  WaitFor(client, R"(passfort_gateway_response_waits_total{wait="read"})");
  EXPECT_TRUE(IsAnswer(client.Send(APost(client, small.Url())), 200, "ok"));
  EXPECT_FALSE(HasLine(client, R"(wait="send")"));
  client.loop().RunAndWait([&] { reading.reset(); });
  for (auto& request : sent) EXPECT_NE(ResponseOf(request.Wait("room")), nullptr);
}

// Sends half of a large response, and the rest once `goes_on`.
RawHttpServer::Script StopsMidway(std::atomic<bool>& goes_on) {
  return [&goes_on](RawConnection& connection) {
    while (connection.ReadRequest()) {
      connection.Write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kLarge) + "\r\n\r\n" +
                       std::string(kLarge / 2, 'x'));
      goes_on.wait(false);
      connection.Write(std::string(kLarge - kLarge / 2, 'x'));
    }
  };
}

TEST(ResponseMemoryTest, WhatIsSaidToAWriteDoesNotWaitForWhatIsRead) {
  std::atomic<bool> goes_on = false;
  RawHttpServer stops_midway(StopsMidway(goes_on));
  RawHttpServer other(AnswerAll(std::string(kLarge, 'y')));
  HttpTestClient client({}, kMiB);
  ResponseMemory::Share others(client.memory(), Use::kBody);
  others.Set(kMiB / 2);
  auto first = client.Start(AGet(client, stops_midway.Url()));
  auto second = client.Start(AGet(client, stops_midway.Url()));
  WaitFor(client, R"(passfort_gateway_response_waits_total{wait="read"})");
  EXPECT_TRUE(IsAnswer(client.Send(APost(client, other.Url())), 200, std::string(kLarge, 'y')));
  goes_on = true;
  goes_on.notify_all();
  EXPECT_NE(ResponseOf(first.Wait("the rest")), nullptr);
  EXPECT_NE(ResponseOf(second.Wait("its turn")), nullptr);
}

// Chunk extensions take no memory, so they do not wait for it.
TEST(ResponseMemoryTest, WhatIsNoBodyIsReadToItsLimitWhileALargeResponseWaits) {
  constexpr int kPeers = 4;
  std::atomic<bool> goes_on = false;
  RawHttpServer stops_midway(StopsMidway(goes_on));
  RawHttpServer endless([](RawConnection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (connection.Write("1;" + std::string(64 * 1024, 'x') + "\r\n \r\n")) {
    }
  });
  HttpTestClient client({}, kMiB);
  ResponseMemory::Share others(client.memory(), Use::kBody);
  others.Set(kMiB / 2);
  auto first = client.Start(AGet(client, stops_midway.Url()));
  auto second = client.Start(AGet(client, stops_midway.Url()));
  WaitFor(client, R"(passfort_gateway_response_waits_total{wait="read"})");
  std::vector<RunningTask<HttpResult>> without_end;
  for (int i = 0; i < kPeers; ++i) without_end.push_back(client.Start(AGet(client, endless.Url())));
  for (auto& request : without_end) {
    EXPECT_TRUE(IsFailure(request.Wait("too much"), Kind::kTooLarge, Body::kRequested));
  }
  goes_on = true;
  goes_on.notify_all();
  EXPECT_NE(ResponseOf(first.Wait("the rest")), nullptr);
  EXPECT_NE(ResponseOf(second.Wait("its turn")), nullptr);
}

TEST(ResponseMemoryTest, OneResponseMayBeLargerThanTheRoomForAll) {
  HttpTestClient client({}, kMiB);
  AnswerMany(client, std::nullopt, 1000 * 1000);
  EXPECT_TRUE(HasLine(client, "passfort_gateway_response_bytes 0"));
}

TEST(ResponseMemoryTest, LargeResponsesUnderTlsAreReadOneByOneToo) {
  const TestAuthority authority;
  const TemporaryFile ca_file(authority.certificate_pem());
  HttpTestClient client({.ca_file = ca_file.path()}, kMiB);
  AnswerMany(client, authority.Issue({"127.0.0.1"}), kLarge);
}

TEST(ResponseMemoryTest, AWholeResponseWaitsForWhatOthersWereMadeInto) {
  RawHttpServer server(AnswerAll(std::string(kLarge, 'a')));
  HttpTestClient client({}, kMiB);
  std::optional<ResponseMemory::Share> others(std::in_place, client.memory(), Use::kResult);
  others->Set(kMiB / 2);
  auto sent = client.Start(APost(client, server.Url()));
  WaitFor(client, R"(passfort_gateway_response_waits_total{wait="result"} 1)");
  others.reset();
  EXPECT_TRUE(IsAnswer(sent.Wait("room"), 200, std::string(kLarge, 'a')));
}

TEST(ResponseMemoryTest, AWholeResponseThatWaitsIsHandedOnAtTheDeadline) {
  RawHttpServer server(AnswerAll(std::string(kLarge, 'a')));
  HttpTestClient client({}, kMiB);
  ResponseMemory::Share others(client.memory(), Use::kResult);
  others.Set(kMiB / 2);
  auto sent = client.Start(APost(client, server.Url()), In(1s));
  EXPECT_TRUE(IsAnswer(sent.Wait("the deadline"), 200, std::string(kLarge, 'a')));
  EXPECT_TRUE(HasLine(client, R"(passfort_gateway_response_waits_total{wait="result"} 1)"));
}

TEST(ResponseMemoryTest, AWholeResponseThatWaitsIsHandedOnWhenTheCallerStops) {
  RawHttpServer server(AnswerAll(std::string(kLarge, 'a')));
  HttpTestClient client({}, kMiB);
  ResponseMemory::Share others(client.memory(), Use::kResult);
  others.Set(kMiB / 2);
  std::stop_source stop;
  auto sent = client.Start(APost(client, server.Url()), In(kLongEnough), stop.get_token());
  WaitFor(client, R"(passfort_gateway_response_waits_total{wait="result"} 1)");
  client.loop().RunAndWait([&] { stop.request_stop(); });
  EXPECT_TRUE(IsAnswer(sent.Wait("the stop"), 200, std::string(kLarge, 'a')));
}

}  // namespace
}  // namespace gateway
