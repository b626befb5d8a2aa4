#include "service/observability/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "service/base/version.h"
#include "service/observability/metrics_server.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// A connection to `host` (a numeric address), or -1.
int Connect(const std::string& host, int port) {
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return -1;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> address(found, freeaddrinfo);
  const int connection = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(connection, address->ai_addr, address->ai_addrlen) == 0) return connection;
  close(connection);
  return -1;
}

// What the server sends until it closes the connection.
std::string ReadToEnd(int connection) {
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = recv(connection, buffer, sizeof(buffer), 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(got));
  }
  return answer;
}

// The whole response to `request`, headers included; empty if there is none.
std::string Exchange(const std::string& host, int port, const std::string& request) {
  const int connection = Connect(host, port);
  if (connection < 0) return "";
  // Far beyond what a response takes: what never comes is a failure, not a test without end.
  const timeval bound = {.tv_sec = 30, .tv_usec = 0};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
  std::string answer;
  if (send(connection, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    answer = ReadToEnd(connection);
  }
  close(connection);
  return answer;
}

constexpr char kScrape[] = "GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

std::string Scrape(const std::string& host, int port) { return Exchange(host, port, kScrape); }

absl::StatusOr<std::unique_ptr<MetricsServer>> Serve(const Metrics& metrics,
                                                     const std::string& address) {
  return MetricsServer::Start(address, [&metrics](std::string_view path) -> HttpPage {
    if (path != "/metrics") return {.status = "404 Not Found", .body = "not here\n"};
    return {.status = "200 OK", .content_type = "text/plain", .body = metrics.Text()};
  });
}

// The value of the line that begins with `name_and_labels`, or -1.
double ValueOf(const std::string& text, const std::string& name_and_labels) {
  const size_t line = text.find("\n" + name_and_labels + " ");
  if (line == std::string::npos) return -1;
  return std::stod(text.substr(line + name_and_labels.size() + 2));
}

TEST(MetricsTest, CountsByTheValuesOfLabels) {
  Metrics metrics;
  const CounterFamily handled = metrics.AddCounter("handled_total", "Help.", {"method", "code"});
  handled.Increment({"Add", "OK"});
  handled.Increment({"Add", "OK"});
  handled.Increment({"Add", "UNKNOWN"});
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("# HELP handled_total Help.\n# TYPE handled_total counter\n"));
  EXPECT_EQ(ValueOf(text, R"(handled_total{code="OK",method="Add"})"), 2);
  EXPECT_EQ(ValueOf(text, R"(handled_total{code="UNKNOWN",method="Add"})"), 1);
}

TEST(MetricsTest, MeasuresHowLongCallsTake) {
  Metrics metrics;
  const HistogramFamily seconds = metrics.AddHistogram("call_seconds", "Help.", {"method"});
  seconds.Observe(30ms, {"Add"});
  seconds.Observe(65s, {"Add"});
  const std::string text = metrics.Text();
  EXPECT_EQ(ValueOf(text, R"(call_seconds_count{method="Add"})"), 2);
  EXPECT_DOUBLE_EQ(ValueOf(text, R"(call_seconds_sum{method="Add"})"), 65.03);
  EXPECT_EQ(ValueOf(text, R"(call_seconds_bucket{method="Add",le="0.025"})"), 0);
  EXPECT_EQ(ValueOf(text, R"(call_seconds_bucket{method="Add",le="0.05"})"), 1);
  EXPECT_EQ(ValueOf(text, R"(call_seconds_bucket{method="Add",le="60"})"), 1);
  EXPECT_EQ(ValueOf(text, R"(call_seconds_bucket{method="Add",le="66"})"), 2);
}

TEST(MetricsTest, HasACounterWithoutLabelsFromTheBeginningAndAGaugeOnceItIsSet) {
  Metrics metrics;
  metrics.AddCounter("unread_total", "Help.");
  const Gauge open = metrics.AddGauge("open", "Help.");
  EXPECT_EQ(ValueOf(metrics.Text(), "unread_total"), 0);
  EXPECT_EQ(open.value(), std::nullopt);
  EXPECT_EQ(ValueOf(metrics.Text(), "open"), -1);
  open.Set(3);
  open.Add(-2);
  EXPECT_EQ(ValueOf(metrics.Text(), "open"), 1);
  EXPECT_EQ(open.value(), 1);
}

TEST(MetricsTest, GivesWhoeverAsksForANameAgainTheSameFamily) {
  Metrics metrics;
  metrics.AddCounter("calls_total", "Help.", {"method"}).Increment({"Add"});
  metrics.AddCounter("calls_total", "Help.", {"method"}).Increment({"Add"});
  EXPECT_EQ(ValueOf(metrics.Text(), R"(calls_total{method="Add"})"), 2);
}

TEST(MetricsTest, TellsAboutTheProcess) {
  const Metrics metrics;
  const std::string text = metrics.Text();
  const auto now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_EQ(ValueOf(text, "passfort_gateway_build_info{version=\"" + std::string(kVersion) + "\"}"),
            1);
  EXPECT_NEAR(ValueOf(text, "process_start_time_seconds"), now, 300);
  EXPECT_GT(ValueOf(text, "process_resident_memory_bytes"), 1 << 20);
  EXPECT_GE(ValueOf(text, "process_cpu_seconds_total"), 0);
  EXPECT_GE(ValueOf(text, "process_threads"), 1);
}

TEST(MetricsTest, CountsOpenDescriptors) {
  const Metrics metrics;
  const double before = ValueOf(metrics.Text(), "process_open_fds");
  const int descriptor = dup(STDERR_FILENO);
  EXPECT_EQ(ValueOf(metrics.Text(), "process_open_fds"), before + 1);
  close(descriptor);
}

TEST(MetricsTest, TellsHowManyDescriptorsThereMayBe) {
  const Metrics metrics;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(ValueOf(metrics.Text(), "process_max_fds"), static_cast<double>(limit.rlim_cur));
}

TEST(MetricsServerTest, ServesTheTextOverHttp) {
  Metrics metrics;
  metrics.AddCounter("calls_total", "Help.", {"method"}).Increment({"Add"});
  const auto server = Serve(metrics, "127.0.0.1:0");
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_GT((*server)->port(), 0);

  const std::string answer = Scrape("127.0.0.1", (*server)->port());
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("text/plain"));
  EXPECT_THAT(answer, HasSubstr("calls_total{"));
  EXPECT_THAT(answer, HasSubstr("passfort_gateway_build_info{"));
  EXPECT_THAT(answer, HasSubstr("process_resident_memory_bytes "));
}

TEST(MetricsServerTest, ServesAName) {
  Metrics metrics;
  const auto server = Serve(metrics, "localhost:0");
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT(Scrape("127.0.0.1", (*server)->port()), HasSubstr("200 OK"));
}

TEST(MetricsServerTest, SaysThatThePortIsTaken) {
  Metrics metrics;
  const auto first = Serve(metrics, "127.0.0.1:0");
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string address = "127.0.0.1:" + std::to_string((*first)->port());
  const auto second = Serve(metrics, address);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
}

TEST(MetricsServerTest, ServesIPv6AndWithAllAddressesIPv4Too) {
  Metrics metrics;
  const auto server = Serve(metrics, "[::1]:0");
  if (absl::IsUnavailable(server.status())) GTEST_SKIP() << "no IPv6: " << server.status();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT(Scrape("::1", (*server)->port()), HasSubstr("200 OK"));
  EXPECT_EQ(Scrape("127.0.0.1", (*server)->port()), "");
  const auto everywhere = Serve(metrics, "[::]:0");
  ASSERT_TRUE(everywhere.ok()) << everywhere.status();
  EXPECT_THAT(Scrape("::1", (*everywhere)->port()), HasSubstr("200 OK"));
  EXPECT_THAT(Scrape("127.0.0.1", (*everywhere)->port()), HasSubstr("200 OK"));
}

TEST(MetricsServerTest, TakesOneAddress) {
  Metrics metrics;
  for (const char* address : {"127.0.0.1:0,127.0.0.1:0", "127.0.0.1:0s", "127.0.0.1", "::1:0",
                              "[::1]", "[]:0", "[127.0.0.1]:0", ":0", ""}) {
    EXPECT_EQ(Serve(metrics, address).status().code(), absl::StatusCode::kInvalidArgument)
        << address;
  }
}

TEST(MetricsServerTest, StopsServingWhenItIsDestroyed) {
  Metrics metrics;
  auto server = Serve(metrics, "127.0.0.1:0");
  ASSERT_TRUE(server.ok()) << server.status();
  const int port = (*server)->port();
  server->reset();
  EXPECT_EQ(Connect("127.0.0.1", port), -1);
}

// Connections that are open and say nothing.
class SilentConnections {
 public:
  SilentConnections(int port, int count) {
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < count; ++i) open_.push_back(Connect("127.0.0.1", port));
  }
  ~SilentConnections() {
    for (const int connection : open_) close(connection);
  }
  SilentConnections(const SilentConnections&) = delete;
  SilentConnections& operator=(const SilentConnections&) = delete;

 private:
  std::vector<int> open_;
};

// Each of them held the only thread for three seconds: alerts were blind for ten minutes.
TEST(MetricsServerTest, IsScrapedBesideAThousandSilentConnections) {
  Metrics metrics;
  const auto server = Serve(metrics, "127.0.0.1:0");
  ASSERT_TRUE(server.ok()) << server.status();
  const SilentConnections silent((*server)->port(), 1000);
  EXPECT_THAT(Scrape("127.0.0.1", (*server)->port()), HasSubstr("200 OK"));
}

TEST(MetricsServerTest, TakesARequestInPieces) {
  Metrics metrics;
  const auto server = Serve(metrics, "127.0.0.1:0");
  ASSERT_TRUE(server.ok()) << server.status();
  const int connection = Connect("127.0.0.1", (*server)->port());
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  for (const char c : std::string(kScrape)) ASSERT_EQ(send(connection, &c, 1, MSG_NOSIGNAL), 1);
  EXPECT_THAT(ReadToEnd(connection), HasSubstr("200 OK"));
  close(connection);
}

TEST(MetricsServerTest, AnswersWhatIsNoScrapeWithAnError) {
  Metrics metrics;
  const auto server = Serve(metrics, "127.0.0.1:0");
  ASSERT_TRUE(server.ok()) << server.status();
  const auto answer = [&](const std::string& request) {
    return Exchange("127.0.0.1", (*server)->port(), request);
  };
  EXPECT_THAT(answer("GET / HTTP/1.1\r\n\r\n"), HasSubstr("404 Not Found"));
  EXPECT_THAT(answer("GET /metrics2 HTTP/1.1\r\n\r\n"), HasSubstr("404 Not Found"));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", ""}) {
    EXPECT_THAT(answer(std::string(method) + " /metrics HTTP/1.1\r\n\r\n"),
                HasSubstr("405 Method Not Allowed"));
  }
  EXPECT_THAT(answer("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HasSubstr("400 Bad Request"));
  EXPECT_THAT(answer("nonsense\n\n"), HasSubstr("400 Bad Request"));
  EXPECT_THAT(answer("GET /metrics HTTP/1.1\r\nX: " + std::string(10'000, 'x')),
              HasSubstr("431 Request Header Fields Too Large"));
  EXPECT_THAT(answer("GET /metrics?name=x HTTP/1.0\n\n"), HasSubstr("200 OK"));
}

TEST(MetricsServerTest, AnswersHeadWithoutTheBody) {
  const Metrics metrics;
  const auto server = Serve(metrics, "127.0.0.1:0");
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string answer =
      Exchange("127.0.0.1", (*server)->port(), "HEAD /metrics HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length: 0\r\n")));
}

TEST(MetricsServerTest, LetsNobodyKeepRunOrFrameWhatItServes) {
  const Metrics metrics;
  const auto server = Serve(metrics, "127.0.0.1:0");
  ASSERT_TRUE(server.ok()) << server.status();
  for (const char* path : {"/metrics", "/nowhere"}) {
    const std::string answer =
        Exchange("127.0.0.1", (*server)->port(), "GET " + std::string(path) + " HTTP/1.1\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("\r\nCache-Control: no-store\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Security-Policy: default-src 'none'; "));
  }
}

// More than is read before the response: to close then would reset the connection, and the reset
// can overtake the response.
TEST(MetricsServerTest, BytesAfterTheRequestDoNotLoseTheAnswer) {
  Metrics metrics;
  const auto server = Serve(metrics, "127.0.0.1:0");
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string answer =
      Exchange("127.0.0.1", (*server)->port(), kScrape + std::string(100'000, 'x'));
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(answer, HasSubstr("passfort_gateway_build_info{"));
}

// Every stop of the gateway waits for it.
TEST(MetricsServerTest, StopsWithoutWaitingForAConnection) {
  Metrics metrics;
  for (const char* address : {"127.0.0.1:0", "0.0.0.0:0"}) {
    // Of several stops, since a busy machine may hold one up for as long.
    std::chrono::nanoseconds shortest = std::chrono::hours(1);
    for (int i = 0; i < 3; ++i) {
      auto server = Serve(metrics, address);
      ASSERT_TRUE(server.ok()) << server.status();
      const auto start = std::chrono::steady_clock::now();
      server->reset();
      shortest =
          std::min<std::chrono::nanoseconds>(shortest, std::chrono::steady_clock::now() - start);
    }
    EXPECT_LT(shortest, std::chrono::seconds(1)) << address;
  }
}

}  // namespace
}  // namespace gateway
